import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType } from './generated/tollgate.js';

/** Where the API lies, beside `dist` in the package. */
const PROTO_FOLDER = fileURLToPath(new URL('../../../proto/', import.meta.url));

/** Names as in the proto file; every number fits a double (the largest is below 2^53). */
const LOADER_OPTIONS = {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
  includeDirs: [PROTO_FOLDER],
};

/** The API as gRPC takes it; the generated types describe the same file. */
export function loadApi(): ProtoGrpcType {
  const definition = loadSync('tollgate/v1/tollgate.proto', LOADER_OPTIONS);
  return loadPackageDefinition(definition) as unknown as ProtoGrpcType;
}
