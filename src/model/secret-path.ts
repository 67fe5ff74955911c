/** A path as one is written on purpose; a relative one says so. No line of a PEM, and hardly a password, begins like it. */
const PATH = /^\.{0,2}\/[^\n]+$/;

/**
 * Why a file that holds a secret cannot be used, as the end of a sentence. What is no path may be the secret itself, put
 * into the variable that wants its file: it is not repeated.
 */
export function unreadable(file: string): string {
  return PATH.test(file)
    ? `${file} cannot be read`
    : 'cannot be read; it must be the path of a file, such as /run/secrets/name, and what it is set to is not repeated here';
}
