import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';

/** One object of Kubernetes, as it is sent. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

/** A Deployment, StatefulSet, DaemonSet or Job, or what a CronJob makes. */
export interface PodMaker extends Manifest {
  readonly spec: { readonly template: IPodTemplateSpec };
}

/** Those of the objects that make pods; of a CronJob, the Job that it makes under its name. */
export function podMakers(objects: readonly Manifest[]): PodMaker[] {
  return objects.flatMap((object) => {
    const { spec } = object as {
      spec?: { template?: unknown; jobTemplate?: Pick<PodMaker, 'spec'> };
    };
    if (spec?.jobTemplate) return [{ ...object, spec: spec.jobTemplate.spec }];
    return spec?.template === undefined ? [] : [object as PodMaker];
  });
}

/** The one object of a kind and name. */
export function only(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.filter((o) => o.kind === kind && o.metadata.name === name);
  const [one] = found;
  if (!one || found.length > 1) throw new Error(`${found.length} objects are ${kind} ${name}`);
  return one;
}

export function onlyPodMaker(objects: readonly Manifest[], kind: string, name: string): PodMaker {
  const [maker] = podMakers([only(objects, kind, name)]);
  if (!maker) throw new Error(`${kind} ${name} makes no pods`);
  return maker;
}

/** The init containers and containers of a pod, in the order in which they start. */
export function containersOf({ spec }: PodMaker): IContainer[] {
  const pod = spec.template.spec;
  return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
}

export function container(maker: PodMaker, name: string): IContainer {
  const found = containersOf(maker).find((one) => one.name === name);
  if (!found) throw new Error(`${maker.metadata.name} has no container ${name}`);
  return found;
}
