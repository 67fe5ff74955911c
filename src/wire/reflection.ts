import type {
  Server,
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { FILE_DESCRIPTORS } from './generated/descriptors.js';

type Questions = ServerDuplexStream<unknown, unknown>;

/**
 * Answers which methods and messages a service has, for grpcurl and the like. The library answers as fast as it is asked:
 * one stream whose answers nobody reads had taken a gate's memory within seconds. So what is not read stops the asking.
 */
export function addReflection(server: Server, service: string): void {
  const addService = (definition: ServiceDefinition, handlers: UntypedServiceImplementation) =>
    server.addService(definition, paced(handlers));
  new ReflectionService(reflected(service)).addToServer({ addService } as unknown as Server);
}

/** The same handlers; whoever does not read the answers is not read either. */
function paced(handlers: UntypedServiceImplementation): UntypedServiceImplementation {
  const all = Object.entries(handlers).map(([name, handle]) => {
    const answerSlowly = (stream: Questions): void => {
      const write = stream.write.bind(stream);
      stream.write = (answer: unknown) => {
        const goOn = write(answer);
        if (!goOn && !stream.isPaused()) {
          stream.pause();
          stream.once('drain', () => stream.resume());
        }
        return goOn;
      };
      (handle as (stream: Questions) => void)(stream);
    };
    return [name, answerSlowly];
  });
  return Object.fromEntries(all) as UntypedServiceImplementation;
}

/** The compiled proto, in the shape that the reflection service reads it from. */
function reflected(service: string): PackageDefinition {
  const fileDescriptorProtos = FILE_DESCRIPTORS.map((base64) => Buffer.from(base64, 'base64'));
  return {
    [service]: { format: 'tollgate.v1', type: {}, fileDescriptorProtos },
  } as unknown as PackageDefinition;
}
