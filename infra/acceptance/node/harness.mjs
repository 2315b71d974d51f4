// What every script here starts from: the SDK under test, a client that counts its requests, sample files, unique names.
// The Go test that runs the scripts sets the environment.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export function need(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run these scripts by "go test ./infra/acceptance"`);
  return value;
}

const tools = need('ASSETRY_TOOLS');
const sdk = join(tools, 'node', 'node_modules', need('ASSETRY_SDK'));

export const api = need('ASSETRY_API');
export const key = need('ASSETRY_KEY');
export const workspace = need('ASSETRY_WORKSPACE');
export const source = process.env.ASSETRY_SOURCE; // where the sample files lie, for imports; only some tests have one
const resolve = createRequire(join(tools, 'node', 'package.json')).resolve;

// installed gives a package of those that make test installs.
export function installed(name) {
  return import(pathToFileURL(resolve(name)));
}

export const { default: FLORA } = await import(pathToFileURL(join(sdk, 'index.mjs')));

// connect makes a client of the unmodified SDK. Every request it sends, retries included, is noted in `sent`.
export function connect(options = {}) {
  const sent = [];
  const client = new FLORA({
    baseURL: `${api}/api/v1`,
    apiKey: key,
    ...options,
    fetch: async (url, init) => {
      if (!/^http/.test(url)) return fetch(url, init); // the SDK tries whether fetch knows forms on a data: address
      const note = { method: init?.method ?? 'GET', path: new URL(url).pathname, retry: header(init, 'x-stainless-retry-count') };
      sent.push(note);
      const response = await fetch(url, init);
      note.status = response.status;
      return response;
    },
  });
  return { client, sent };
}

function header(init, name) {
  return new Headers(init?.headers ?? {}).get(name);
}

// assertNoRetries holds when nothing was sent twice: an answer that makes the SDK repeat itself costs everybody.
export function assertNoRetries(sent) {
  const repeated = sent.filter((s) => s.retry && s.retry !== '0');
  assert.deepEqual(repeated, [], 'the SDK repeated requests');
}

export function mediaPath(name) {
  return join(tools, 'media', name);
}

export function media(name) {
  return readFile(mediaPath(name));
}

export async function file(name, type) {
  return new File([await openAsBlob(mediaPath(name))], name, { type });
}

export const html = '<!doctype html><title>no picture</title><script>document.title = "ran"</script>';

// unique makes a word that no other test uses, for names that are searched.
export function unique(prefix = 'w') {
  return prefix + randomUUID().replaceAll('-', '').slice(0, 12);
}

// send fills the signed form as the documentation of the SDK shows: all fields, then the file.
export async function send(upload, bytes, name, type) {
  const form = new FormData();
  for (const [k, v] of Object.entries(upload.form_fields)) form.append(k, v);
  form.append(upload.file_field, new File([bytes], name, { type }), name);
  return fetch(upload.url, { method: upload.method, body: form });
}

// reserve creates an asset that waits for its bytes.
export function reserve(client, more = {}) {
  return client.assets.create({ source: 'signed-url', workspace_id: workspace, ...more });
}

// put brings a whole asset in by reserve, form and complete, and returns the answer to complete.
export async function put(client, name, type, more = {}) {
  const created = await reserve(client, { file_name: name, content_type: type, ...more });
  const answer = await send(created.upload, await media(name), name, type);
  assert.ok(answer.ok, `the bucket answered ${answer.status}: ${await answer.text()}`);
  return client.assets.complete(created.asset_id);
}

// until asks again until the answer satisfies: every 50 ms, for at most 15 seconds, or as it is given.
export async function until(ask, satisfied, what, { limit = 15_000, pause = 50 } = {}) {
  const deadline = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (satisfied(answer)) return answer;
    assert.ok(Date.now() < deadline, `${what}: still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

// refused runs the call and checks the error it must end in: its class, its code, and the fields it blames.
export async function refused(call, errorClass, code, ...fields) {
  const error = await call.then(
    (answer) => assert.fail(`accepted: ${JSON.stringify(answer)}`),
    (e) => e,
  );
  assert.ok(error instanceof errorClass, `${error?.constructor?.name} instead of ${errorClass.name}: ${error}`);
  assert.equal(error.error?.error?.code, code, JSON.stringify(error.error));
  assert.ok(error.error.error.message.length > 0, 'the error has no message');
  assert.match(error.headers.get('request-id') ?? '', /^req_\S+$/);
  const blamed = (error.error.error.fields ?? []).map((f) => f.field);
  for (const field of fields) assert.ok(blamed.includes(field), `${field} is not among the fields [${blamed}]`);
  return error;
}

export { assert };
