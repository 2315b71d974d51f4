// The Orders API through `sam local start-api`, where functions run in containers: a token, an order, a scan, the submission, and refusals.
// "go test ./infra/sam" runs it. SAM follows no stream, so the order waits for its workers.
import { test } from 'node:test';
import { assert } from './harness.mjs';
import { begin, connectOrders, finish, look, put, refusal, submit, upload } from './orders.mjs';

const lines = Array.from({ length: 400 }, (_, i) => `${(i % 20) / 10} ${Math.floor(i / 20) / 10} 0\n`);

test('an order is begun, filled and submitted', async () => {
  const request = await connectOrders();
  const { order_id: order } = await begin(request, 'In containers');
  const session = await upload(request, order, { mode: 'single' });
  await put(session.upload_url, Buffer.from(lines.join('')));
  assert.equal((await finish(request, session)).upload_status, 'ready');
  assert.equal((await submit(request, order)).order_status, 'PROCESSING');
  assert.equal((await look(request, order)).assets[0].asset_id, session.asset_id);
  assert.equal((await refusal(request('{ order(order_id: "nothing") { order_id } }'))).code, 'NOT_FOUND');
});

test('who is not signed in is refused', async () => {
  const refused = await refusal((await connectOrders('nothing'))('{ webhooks { webhook_id } }'));
  assert.deepEqual([refused.status, refused.code], [401, 'UNAUTHENTICATED']);
});
