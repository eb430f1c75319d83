// Original file: proto/slipway/v1/agent.proto


export interface HttpsRules {
  'redirectedPositions'?: (number)[];
  'hstsMaxAgeS'?: (number);
  'canonical'?: (string);
  'canonicalHttps'?: (boolean);
  'hstsIncludeSubdomains'?: (boolean);
  'hstsPreload'?: (boolean);
  '_hstsMaxAgeS'?: "hstsMaxAgeS";
}

export interface HttpsRules__Output {
  'redirectedPositions': (number)[];
  'hstsMaxAgeS'?: (number);
  'canonical': (string);
  'canonicalHttps': (boolean);
  'hstsIncludeSubdomains': (boolean);
  'hstsPreload': (boolean);
  '_hstsMaxAgeS'?: "hstsMaxAgeS";
}
