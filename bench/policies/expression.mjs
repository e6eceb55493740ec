// SPDX-License-Identifier: Apache-2.0
// What a team would write on the first day against injected instructions: one regular expression for
// addresses, accounts and URLs, and a search for each in the user's request. The thing to beat.

const PLACE =
  /[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b|(?:https?:\/\/|www\.)[^\s'"]+|\b[\w-]+\.(?:com|org|net|io)\b[^\s'"]*/gu;

function* texts(value) {
  if (typeof value === 'string') yield value;
  else if (value && typeof value === 'object') for (const inner of Object.values(value)) yield* texts(inner);
}

/** The places in the arguments that the request does not hold. */
export function unsourcedByExpression(args, request) {
  const asked = request.toLowerCase();
  const places = [...texts(args)].flatMap((text) => [...text.matchAll(PLACE)]);
  return places.map(([place]) => place.toLowerCase().replace(/\.$/, '')).filter((place) => !asked.includes(place));
}
