import { execFileSync } from 'node:child_process';

/**
 * Why tests with a real Prometheus cannot run here; false if they can. In CI nothing is skipped: a
 * machine without Prometheus and Alertmanager fails there.
 */
export const NO_PROMETHEUS: string | false = (() => {
  try {
    for (const program of ['promtool', 'prometheus', 'prometheus-alertmanager']) {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    }
    return false;
  } catch {
    if (process.env['CI']) throw new Error('prometheus is missing, and CI skips nothing');
    return 'Prometheus is not installed (apt-get install prometheus prometheus-alertmanager)';
  }
})();

/** Runs promtool; throws with what it says if it finds something. */
export function promtool(...args: string[]): string {
  try {
    return execFileSync('promtool', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${args.join(' ')}\n${stdout}${stderr}`);
  }
}
