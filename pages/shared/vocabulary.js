/** Codes of the contract in words. */

/** Kinds of incident. @type {Readonly<Record<string, string>>} */
export const INCIDENTS = {
  outside_bay: 'outside bays',
  double_parking: 'double parked',
  straddling: 'over two bays',
  overstay: 'overstay',
  wrong_use: 'wrong bay',
};
