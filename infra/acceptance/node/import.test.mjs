// The SDK's upload helper with links: the files lie on a server of the test's own, on TLS, which the stack was told to allow.
import { test } from 'node:test';
import { FLORA, assert, assertNoRetries, connect, media, sha256, source, workspace } from './harness.mjs';

const quick = { workspace_id: workspace, pollIntervalMs: 50 };

for (const name of ['picture.png', 'large-film.mp4']) {
  test(`upload takes a link to ${name}`, async () => {
    const { client, sent } = connect();
    const asset = await client.assets.upload(`${source}/${name}?signature=secret`, quick);
    assert.equal(sent[0].status, 201);
    assertNoRetries(sent);
    assert.deepEqual([asset.status, asset.uploaded_via, asset.name], ['ready', 'url', name]);
    assert.equal(asset.size_bytes, (await media(name)).length);
    const read = await fetch(asset.url);
    assert.equal(sha256(Buffer.from(await read.arrayBuffer())), sha256(await media(name)), `${name} came back changed`);
  });
}

test('upload throws on a link that leads nowhere, with the reason and without the secret', async () => {
  const { client } = connect();
  const call = client.assets.upload(`${source}/missing.png?signature=secret`, quick);
  const error = await call.then((asset) => assert.fail(JSON.stringify(asset)), (e) => e);
  assert.ok(error instanceof FLORA.FLORAError, String(error));
  assert.match(String(error), /404/);
  assert.doesNotMatch(String(error), /secret/);
});

test('upload throws on a link to what is no picture', async () => {
  const { client } = connect();
  await assert.rejects(client.assets.upload(`${source}/`, { ...quick, file_name: 'cat.png' }), FLORA.FLORAError);
});

test('upload throws on addresses that nothing may be copied from, also where this machine is allowed', async () => {
  const { client } = connect();
  for (const link of ['https://169.254.169.254/latest/meta-data', 'https://10.0.0.1/cat.png', 'https://user:word@example.com/cat.png']) {
    await assert.rejects(client.assets.upload(link, quick), FLORA.FLORAError, link);
  }
});
