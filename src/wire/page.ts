import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type HttpAnswer, type HttpServer, plain, serveHttp } from './http.js';
import { isLocal, type ListenAddress } from './listen.js';

/** People who look, each with a request a second. */
const MAX_CONNECTIONS = 256;

/** The files of the page lie as they are beside the sources. */
const SITE = fileURLToPath(new URL('../../../src/wire/site/', import.meta.url));

const FILES: readonly { path: string; file: string; type: string }[] = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/page.css', file: 'page.css', type: 'text/css; charset=utf-8' },
  { path: '/page.js', file: 'page.js', type: 'text/javascript; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
];

/** Nothing from elsewhere, nothing inline, and no frame around it: a name can be text and no more. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/**
 * Serves the page of a keeper: how the fleet stands, to be looked at and not changed.
 * @param state what the page shows, as JSON
 * @throws if it cannot listen there
 */
export function startPage(listen: ListenAddress, state: () => object): Promise<HttpServer> {
  const files = new Map<string, HttpAnswer>();
  for (const { path, file, type } of FILES) {
    files.set(path, { code: 200, body: readFileSync(`${SITE}${file}`), type, headers: HEADERS });
  }
  const local = isLocal(listen);
  return serveHttp(listen, MAX_CONNECTIONS, (path, request) => {
    // A web page elsewhere could have its own name lead here, and read what only this machine may.
    if (local && !isLocalName(request.headers.host)) {
      return plain(403, 'this page is for this machine: open it as http://localhost\n');
    }
    if (path === '/state.json') {
      const body = JSON.stringify(state());
      return { code: 200, body, type: 'application/json', headers: HEADERS };
    }
    return files.get(path) ?? plain(404, 'the page is at /\n');
  });
}

function isLocalName(host = ''): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host);
}
