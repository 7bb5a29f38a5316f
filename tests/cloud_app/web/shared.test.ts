import { expect, test } from 'vitest';
import { detailOf, fileUrl } from '../../../cloud_app/web/src/api/client';
import { streamUrl } from '../../../cloud_app/web/src/api/live';
import { sseEvents } from '../../../cloud_app/web/src/api/sse';
import { isAt } from '../../../cloud_app/web/src/app/nav';
import { hitHref, hitWhere } from '../../../cloud_app/web/src/app/searching';
import { fullness, stateOf } from '../../../cloud_app/web/src/components/counts';
import { graticule, gridStep } from '../../../cloud_app/web/src/components/graticule';
import {
  matches,
  nextOrder,
  orderOf,
  orderText,
  sorted,
} from '../../../cloud_app/web/src/components/sorting';
import { withQuery } from '../../../cloud_app/web/src/components/useListQuery';
import { localPath, mailLink } from '../../../cloud_app/web/src/pages/login/links';

async function eventsOf(...chunks: string[]) {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  const found = [];
  for await (const event of sseEvents(body)) found.push(event);
  return found;
}

test('events are whole, wherever the stream was cut', async () => {
  const text =
    'retry: 2000\n\nevent: lots\ndata: [1]\n\n: still here\n\nevent: bays\ndata: {"a":\ndata: "ü"}\n\nevent: cut\n';
  const wanted = [
    { event: 'lots', data: '[1]' },
    { event: 'bays', data: '{"a":\n"ü"}' },
  ];
  expect(await eventsOf(text)).toEqual(wanted);
  expect(await eventsOf(...text)).toEqual(wanted);
  expect(await eventsOf(text.replaceAll('\n', '\r\n'))).toEqual(wanted);
});

test('one stream for all that is wanted', () => {
  expect(streamUrl([])).toBe('/api/v1/live');
  expect(streamUrl([{}, { lots: true }, { lot: 'north/p1' }])).toBe('/api/v1/live?lots=1&lot=north%2Fp1');
});

test('what a refusal says', () => {
  expect(detailOf({ detail: 'no' })).toBe('no');
  expect(detailOf({ detail: [{ loc: ['body', 'name'], msg: 'too long' }] })).toBe('name: too long');
  expect(detailOf('<html>')).toBeNull();
  expect(detailOf({ detail: 7 })).toBeNull();
});

test('an export has the filters of its list, and no empty ones', () => {
  expect(
    fileUrl('/x', { format: 'csv', q: 'a b', site: '', state: ['open', 'closed'], rule: undefined }),
  ).toBe('/x?format=csv&q=a+b&state=open&state=closed');
});

test('the address keeps what is not changed', () => {
  expect(withQuery('/a', { q: 'x', view: 'list' }, { q: '', sort: '-since' })).toBe(
    '/a?view=list&sort=-since',
  );
  expect(withQuery('/a', { q: 'x' }, { q: '' })).toBe('/a');
});

test('order: numbers by value, texts as people count, nothing last in both directions', () => {
  const rows = ['a10', 'a2', null, 'B1'];
  expect(sorted(rows, (row) => row, false)).toEqual(['a2', 'a10', 'B1', null]);
  expect(sorted(rows, (row) => row, true)).toEqual(['B1', 'a10', 'a2', null]);
  expect(sorted([10, 9, undefined, 0], (row) => row, true)).toEqual([10, 9, 0, undefined]);
  expect(nextOrder(null, 'a')).toEqual({ column: 'a', isDown: false });
  expect(nextOrder({ column: 'a', isDown: false }, 'a')).toEqual({ column: 'a', isDown: true });
  expect(nextOrder({ column: 'a', isDown: true }, 'a')).toBeNull();
  expect(orderOf(orderText({ column: 'since', isDown: true }))).toEqual({ column: 'since', isDown: true });
});

test('a search needs every word', () => {
  expect(matches('Market hall north', 'hall mark')).toBe(true);
  expect(matches('Market hall', 'hall south')).toBe(false);
});

test('where a hit leads', () => {
  const hit = { name: null, point: null, site: 'north', lot: 'p1' };
  expect(hitHref({ ...hit, kind: 'lot', key: 'north/p1' })).toBe('/lots/north/p1');
  expect(hitHref({ ...hit, kind: 'bay', key: 'north/p1/a-1' })).toBe('/lots/north/p1?bay=a-1');
  expect(hitHref({ ...hit, kind: 'edge', key: 'box 1', lot: null })).toBe('/edges/box%201');
  expect(hitHref({ ...hit, kind: 'site', key: 'north', lot: null, point: [13.4, 52.5] })).toBe(
    '/?site=north#14/52.5/13.4',
  );
  expect(hitWhere({ ...hit, kind: 'bay', key: 'north/p1/a-1' })).toBe('north · p1');
});

test('a lot belongs to the map, and a place to what is below it', () => {
  expect([isAt('/lots/a/b', '/'), isAt('/alerts/7', '/alerts'), isAt('/alertsx', '/alerts')]).toEqual([
    true,
    true,
    false,
  ]);
});

test.each([
  [null, null],
  [0, 0],
  [0.49, 0],
  [0.5, 1],
  [0.9, 3],
  [0.98, 4],
  [1, 4],
])('an occupancy of %j is step %j', (share, step) => expect(fullness(share)).toBe(step));

test('closed before stale before what was said', () => {
  expect(stateOf({ closed: true, stale: true, state: 'free' })).toBe('closed');
  expect(stateOf({ closed: false, stale: true, state: 'free' })).toBe('stale');
  expect(stateOf({ closed: false, stale: false, state: 'free' })).toBe('free');
});

test('the grid is of round degrees, and stays on the earth', () => {
  expect(gridStep(1)).toBe(0.1);
  expect(gridStep(0.000001)).toBe(0.0001);
  const [{ geometry }] = graticule({ west: -180, south: -85, east: 180, north: 85 }).features as [
    GeoJSON.Feature,
  ];
  const lines = (geometry as GeoJSON.MultiLineString).coordinates.flat();
  expect(lines.length).toBeLessThan(200);
  expect(lines.every(([lon = 0, lat = 0]) => Math.abs(lon) <= 180 && Math.abs(lat) <= 85)).toBe(true);
});

test('links of mails, and nothing that only looks so', () => {
  expect(mailLink('#invitation=a%2Bb')).toEqual({ kind: 'invitation', secret: 'a+b' });
  expect(mailLink('#reset=%')).toBeNull();
  expect(mailLink('#other=1')).toBeNull();
});

test.each([
  ['/lots/a/b?at=1', '/lots/a/b?at=1'],
  ['//evil.example', '/'],
  ['https://evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/login?to=/login', '/'],
  [undefined, '/'],
])('after the login %j is %s', (target, path) => expect(localPath(target)).toBe(path));
