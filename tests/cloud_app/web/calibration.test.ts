import { describe, expect, it } from 'vitest';
import type { Command } from '../../../cloud_app/web/src/api/types';
import { editorUrl, fetchStep, revisionTone } from '../../../cloud_app/web/src/pages/edges/calibration';

const command = (state: string) => ({ state }) as Command;

describe('a fetch from the box', () => {
  it.each([
    ['done', 'done', 3, 'ready'],
    ['done', 'running', 3, 'waiting'],
    ['done', 'failed', 3, 'withoutImage'],
    ['done', 'failed', null, 'failed'],
    ['done', 'done', null, 'ready'],
    ['expired', 'expired', 3, 'failed'],
    ['rejected', 'rejected', null, 'failed'],
  ])('calibration %s, image %s, newest %s: %s', (calibration, image, newest, step) => {
    expect(fetchStep({ calibration: command(calibration), image: command(image), newest })).toBe(step);
  });

  it('has not begun', () => {
    expect(fetchStep({ calibration: null, image: null, newest: null })).toBe('waiting');
  });
});

it('names box and camera in the address, whatever they are called', () => {
  expect(editorUrl('box 1', 'a/b')).toBe('/calibrate/box%201/?camera=a%2Fb');
});

it('tells what is in use from what was refused', () => {
  const tone = (status: string | null) => revisionTone({ status } as never);
  expect([null, 'SUCCEEDED', 'QUEUED', 'FAILED', 'CANCELED'].map(tone)).toEqual([
    'good',
    'good',
    'info',
    'bad',
    'warn',
  ]);
});
