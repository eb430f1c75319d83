import { Readable } from 'node:stream';
import { isDigest, isId, type Digest, type TaskId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { notFound } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { nodeRoute, type Route } from '../route.ts';

/** Far above the size of any slug. The image store has a smaller limit of its own. */
const IMAGE_LIMIT_BYTES = 16 * 1024 ** 3;

/** Layers and sources, for agents that may read them. */
export function imageRoutes(deps: ApiDeps): readonly Route[] {
  return [headImage(deps), getImage(deps), putImage(deps), getSource(deps)];
}

/** A builder calls this before it uploads, a node before it downloads. */
function headImage({ images, unusedImages, mayReadImage, mayWriteImage }: ApiDeps): Route {
  return nodeRoute('checkImage', {
    auth: 'node',
    action: 'node.image.read',
    handle: async ({ params, node, reply }) => {
      const digest = readDigest(params.digest);
      const allowed = (await mayReadImage(node.id, digest)) || (await mayWriteImage(node.id, digest));
      if (allowed) unusedImages.note(digest);
      const sizeBytes = allowed ? await images.sizeBytes(digest) : undefined;
      if (sizeBytes === undefined) throw imageNotFound();
      return await reply.header('content-length', sizeBytes).header('accept-ranges', 'bytes').send();
    },
  });
}

function getImage({ images, mayReadImage }: ApiDeps): Route {
  return nodeRoute('readImage', {
    auth: 'node',
    action: 'node.image.read',
    handle: async ({ params, node, reply, request }) => {
      const digest = readDigest(params.digest);
      const sizeBytes = (await mayReadImage(node.id, digest)) ? await images.sizeBytes(digest) : undefined;
      if (sizeBytes === undefined) throw imageNotFound();
      const offsetBytes = readRange(request.headers.range);
      if (offsetBytes > 0 && offsetBytes >= sizeBytes) {
        reply.header('content-range', `bytes */${sizeBytes}`);
        throw rangeRefused();
      }
      if (offsetBytes > 0)
        reply.code(206).header('content-range', `bytes ${offsetBytes}-${sizeBytes - 1}/${sizeBytes}`);
      reply
        .header('accept-ranges', 'bytes')
        .header('content-length', sizeBytes - offsetBytes)
        .type('application/octet-stream');
      return asReadable(await images.open(digest, offsetBytes));
    },
  });
}

function putImage({ images, unusedImages, mayWriteImage }: ApiDeps): Route {
  return nodeRoute('writeImage', {
    auth: 'node',
    action: 'node.image.write',
    bodyLimitBytes: IMAGE_LIMIT_BYTES,
    handle: async ({ params, node, request, signal }) => {
      const digest = readDigest(params.digest);
      if (!(await mayWriteImage(node.id, digest))) throw writeRefused();
      if (!(request.body instanceof Readable)) throw bodyMissing();
      unusedImages.note(digest);
      await images.put(digest, request.body, signal);
      return undefined;
    },
  });
}

function getSource({ taskSources }: ApiDeps): Route {
  return nodeRoute('readTaskSource', {
    auth: 'node',
    action: 'node.source.read',
    handle: async ({ params, node, reply }) => {
      const { id } = params;
      const source = isId(id) ? await taskSources.open(node.id, id as TaskId) : undefined;
      if (source === undefined) throw notFound('task of this node');
      reply.type('application/gzip');
      return asReadable(source);
    },
  });
}

function readDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw imageNotFound();
}

/** Supports only a range up to the end, which a resumed download needs. Other ranges get the whole image. */
function readRange(header: string | undefined): number {
  const match = /^bytes=(\d{1,15})-$/.exec(header ?? '');
  return match === null ? 0 : Number(match[1]);
}

function asReadable(stream: NodeJS.ReadableStream): Readable {
  return stream instanceof Readable ? stream : new Readable().wrap(stream);
}

/** The same message for an image that does not exist and for an image of another node. */
function imageNotFound(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_NOT_FOUND',
    httpStatus: 404,
    message: 'There is no such image for this node.',
  });
}

function rangeRefused(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_RANGE',
    httpStatus: 416,
    message: 'The image ends before the range asked for.',
  });
}

function writeRefused(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_WRITE',
    httpStatus: 403,
    message: 'A node may upload images only while it builds.',
  });
}

function bodyMissing(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_IMAGE_BODY',
    httpStatus: 415,
    message: 'An image is sent as content-type application/octet-stream.',
  });
}
