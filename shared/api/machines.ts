import { z } from 'zod';
import type { RouteSpec } from './route-spec.ts';

// What a machine asks before it is a node, and what the agent of a node asks.

const joinBody = z.object({
  nodeId: z.string(),
  nodeName: z.string(),
  /** PEM */
  certificate: z.string(),
  /** PEM of the fleet's CA. */
  ca: z.string(),
  /** host:port on which the controller accepts agent sessions. */
  grpcAddress: z.string(),
});
export type JoinBody = z.output<typeof joinBody>;

const nodeIdBody = z.object({ nodeId: z.string() });

const token = z.string().min(1).max(200);
const csr = z.string().max(10_000);
const BYTES = 'application/octet-stream';

const joinSpecs = {
  readInstallScript: {
    method: 'GET',
    path: '/install.sh',
    atRoot: true,
    summary: 'Read the script that installs the agent on a machine.',
    answerType: 'text/x-shellscript',
  },
  readProgram: {
    method: 'GET',
    path: '/programs/:name',
    summary: 'Download a program that the installation needs.',
    answerType: BYTES,
  },
  checkJoin: {
    method: 'POST',
    path: '/join/check',
    summary: 'Check that a machine may join with this token and name. The token stays unused.',
    body: z.strictObject({ token, name: z.string().max(100) }),
  },
  joinFleet: {
    method: 'POST',
    path: '/join',
    summary: 'Join the fleet as a new node.',
    status: 201,
    body: z.strictObject({ token, csr, name: z.string().max(100) }),
    answer: joinBody,
  },
  rejoinFleet: {
    method: 'POST',
    path: '/rejoin',
    summary: 'Get a new certificate as a node that the fleet knows.',
    status: 201,
    body: z.strictObject({ token, csr, nodeId: z.string().max(64).optional() }),
    answer: joinBody,
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;

const agentSpecs = {
  renewCertificate: {
    method: 'POST',
    path: '/node/certificate',
    summary: 'Get the next certificate of this node.',
    status: 201,
    body: z.strictObject({ csr }),
    answer: z.object({ certificate: z.string() }),
  },
  useCertificate: {
    method: 'POST',
    path: '/node/certificate/use',
    summary: 'Confirm that this node uses its next certificate.',
    body: z.strictObject({}),
    answer: nodeIdBody,
  },
  reportTrouble: {
    method: 'POST',
    path: '/node/trouble',
    summary: 'Report why the agent of this node cannot start.',
    body: z.strictObject({
      code: z.string().regex(/^SLIP_[A-Z0-9_]{1,58}$/),
      message: z.string().max(2_000),
      hint: z.string().max(2_000).optional(),
    }),
    answer: nodeIdBody,
  },
  checkImage: {
    method: 'HEAD',
    path: '/images/:digest',
    summary: 'Check that the controller has an image for this node.',
    answerType: BYTES,
  },
  readImage: { method: 'GET', path: '/images/:digest', summary: 'Download an image.', answerType: BYTES },
  writeImage: {
    method: 'PUT',
    path: '/images/:digest',
    summary: 'Upload an image that this node has built.',
    status: 201,
    bodyType: BYTES,
  },
  readCertificate: {
    method: 'GET',
    path: '/certificates/:id/:fingerprint',
    summary:
      'Download a certificate of the route table with its chain and key, as PEM. Only nodes that answer HTTPS may.',
    answerType: 'application/x-pem-file',
  },
  readTaskSource: {
    method: 'GET',
    path: '/tasks/:id/source',
    summary: 'Download the source of a task of this node.',
    answerType: 'application/gzip',
  },
} as const satisfies Readonly<Record<string, RouteSpec>>;

export const machineSpecs = { ...joinSpecs, ...agentSpecs };
