// Original file: proto/tollgate/v1/tollgate.proto


export interface ReleaseRequest {
  'call_id'?: (string);
  'agent_id'?: (string);
  'team_id'?: (string);
  'cost_centre'?: (string);
  'instance'?: (string);
  'why'?: (string);
}

export interface ReleaseRequest__Output {
  'call_id': (string);
  'agent_id': (string);
  'team_id': (string);
  'cost_centre': (string);
  'instance': (string);
  'why': (string);
}
