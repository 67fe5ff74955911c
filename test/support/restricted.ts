import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';

/** Kinds of volumes that the level allows. */
const VOLUMES = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral'],
  ...['persistentVolumeClaim', 'projected', 'secret'],
];

/**
 * What keeps a pod out of a namespace of the level `restricted` of Pod Security, as Kubernetes 1.29 to 1.36 defines it,
 * for pods of Linux.
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function restrictedProblems(pod: IPodSpec): string[] {
  const problems: string[] = [];
  const { securityContext: own = {}, volumes = [] } = pod;
  if (pod.hostNetwork) problems.push('hostNetwork');
  if (pod.hostPID) problems.push('hostPID');
  if (pod.hostIPC) problems.push('hostIPC');
  if (own.runAsUser === 0) problems.push('runAsUser of the pod is 0');
  if (own.sysctls?.length) problems.push('sysctls');
  for (const { name, ...source } of volumes) {
    const [kind = ''] = Object.keys(source);
    if (!VOLUMES.includes(kind)) problems.push(`the volume ${name} is ${kind}`);
  }
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    const { securityContext: context = {}, ports = [], name } = container;
    const say = (what: string) => problems.push(`${name}: ${what}`);
    const { capabilities: { add = [], drop = [] } = {} } = context;
    if (context.privileged) say('privileged');
    if (context.allowPrivilegeEscalation !== false) say('allowPrivilegeEscalation is not false');
    if (!drop.includes('ALL')) say('does not drop ALL capabilities');
    if (add.some((capability) => capability !== 'NET_BIND_SERVICE')) say(`adds ${add.join()}`);
    if ((context.runAsNonRoot ?? own.runAsNonRoot) !== true) say('runAsNonRoot is not true');
    if (context.runAsUser === 0) say('runAsUser is 0');
    if (context.procMount !== undefined && context.procMount !== 'Default') say('procMount');
    const seccomp = context.seccompProfile ?? own.seccompProfile;
    if (!['RuntimeDefault', 'Localhost'].includes(seccomp?.type ?? '')) say('no seccompProfile');
    if (ports.some(({ hostPort }) => hostPort)) say('hostPort');
  }
  return problems;
}
