// Whole numbers that people write: the twin of backend/kit/whole_numbers.py, which says the rule.
// tests/kit/whole_numbers.json holds the cases of both.
const LONGEST = 30;
const SIGNS = { "−": "-", "－": "-", "＋": "+", "，": ",", "．": ".", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "’": "'", "٬": "'" };
const PLAIN = /^\d+(?:[.,٫]0{1,2})?$/;
const GROUPED = /^(?:[1-9]\d{0,2}(?:([ '])\d{3}(?:\1\d{3})*|([.,])\d{3}(?:\2\d{3})+)|[1-9]\d?(?:,\d{2})+,\d{3})$/;
const AMBIGUOUS = /^[1-9]\d{0,2}[.,]\d{3}$/;
const UNSEEN = /\p{Cf}/gu; // marks of the direction of writing and the like, which come with what is pasted
const DIGIT = /^\p{Nd}$/u;

// { value } of the number that the text can only mean, or { problem: "ambiguous" | "other" }.
export function readWhole(text) {
  const written = [...text.replace(UNSEEN, "").trim()];
  if (written.length > LONGEST) return { problem: "other" };
  const plain = written.map((sign) => SIGNS[sign] ?? digit(sign)).join("");
  const sign = /^[+-]/.test(plain) ? plain[0] : "";
  const digits = plain.slice(sign.length);
  if (AMBIGUOUS.test(digits)) return { problem: "ambiguous" };
  if (PLAIN.test(digits)) return whole(digits.split(/[.,٫]/)[0], sign);
  return GROUPED.test(digits) ? whole(digits.replace(/\D/g, ""), sign) : { problem: "other" };
}

function whole(digits, sign) {
  return { value: Number(digits) * (sign === "-" ? -1 : 1) || 0 };
}

// Unicode keeps the ten digits of a script together, zero first, and some scripts beside each other.
function digit(sign) {
  if (sign <= "\x7f" || !DIGIT.test(sign)) return sign;
  let zero = sign.codePointAt(0);
  while (DIGIT.test(String.fromCodePoint(zero - 1))) zero -= 1;
  return String((sign.codePointAt(0) - zero) % 10);
}
