// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface NodeFacts {
  'os'?: (string);
  'kernel'?: (string);
  'arch'?: (string);
  'cpus'?: (number);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'diskFreeBytes'?: (number | string | Long);
  'sandboxDriver'?: (string);
  'stacks'?: (string)[];
  'proxyVersion'?: (string);
  'missing'?: (string)[];
  'builder'?: (boolean);
  'httpAddress'?: (string);
  'meshAddress'?: (string);
  'sandboxSubnet'?: (string);
  'routeNamesMax'?: (number);
  'json'?: (string);
}

export interface NodeFacts__Output {
  'os': (string);
  'kernel': (string);
  'arch': (string);
  'cpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'diskFreeBytes': (number);
  'sandboxDriver': (string);
  'stacks': (string)[];
  'proxyVersion': (string);
  'missing': (string)[];
  'builder': (boolean);
  'httpAddress': (string);
  'meshAddress': (string);
  'sandboxSubnet': (string);
  'routeNamesMax': (number);
  'json': (string);
}
