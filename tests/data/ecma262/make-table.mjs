// Prints what the RegExp of Node.js makes of patterns and texts:
//     node tests/data/ecma262/make-table.mjs > tests/data/ecma262/table.json
// A pattern has the flag `u`, as JSON Schema asks for, if it can have it.

const patterns = [
  // anchors and search
  "", "a", "^a", "a$", "^a$", "^", "$", "^$", "a|b$", "(^a|b)c", "^(?:a|b)+$", "^[0-9.]+$",
  "^[0-9]+\\.[0-9]+\\.[0-9]+$", "^v?\\d+(\\.\\d+)*$", "\\ba\\b", "a\\Bb", "^.$", "^..$", "^.*$",
  // sets of characters
  "\\d", "^\\d+$", "\\D", "^\\D+$", "\\w", "^\\w+$", "\\W", "\\s", "^\\s+$", "\\S", "^\\S+$",
  "[\\d]", "[^\\d]", "[\\D]", "[\\w.-]", "^[\\w.-]+$", "[^\\w\\s]", "[\\S]", "[\\W\\D]",
  "[^]", "[]", "^[^]*$", "[a-z]", "[^a-z]", "[a-]", "[-a]", "[a\\-z]", "[\\]]", "[\\^]", "[^\\^]",
  "[.]", "[\\b]", "[$^]", "[[]", "[a&&b]", "[a-c--]", "[\\u0000-\\u001f]", "^[^\\u0000-\\u001f\\u007f]+$",
  "[\\t-\\r]", "[😀-😂]", "^[^a]$", "[\\cA-\\cC]", "[^$/]$",
  // escapes
  "\\t", "\\n", "\\v", "\\f", "\\r", "\\0", "\\x41", "\\u0041", "\\u{41}", "\\u{1F600}", "\\cJ", "\\cj",
  "\\ud83d\\ude00", "\\/", "a/b", "\\.", "\\$", "\\^", "\\*", "\\(\\)", "\\{\\}", "\\[\\]", "\\|", "\\\\", "\\-",
  "\\_", "\\@", "\\ ", "\\\"", "\\#",
  // properties
  "\\p{L}", "^\\p{L}+$", "\\P{L}", "\\p{Lu}", "\\p{Uppercase_Letter}", "\\p{gc=Nd}", "[\\p{L}\\p{N}_-]",
  "\\p{Script=Greek}", "\\p{sc=Cyrillic}", "\\P{Script=Han}", "\\p{ASCII}", "\\p{Any}", "\\p{LC}", "[^\\p{L}]", "[\\P{L}]",
  "\\p{ASCII_Hex_Digit}", "\\p{Letter}", "\\p{P}", "\\p{Sc}", "\\p{Zs}", "\\p{digit}", "\\p{Cc}",
  // groups and repetitions
  "(a)", "(?:a)", "(?<n>a)b", "(?<n>a)(?<m>b)", "(a|)", "(|a)b", "()", "a*", "a+?b", "a??", "a{2}", "^a{2}$",
  "^a{1,}$", "^a{0,2}?$", "(a{2}){2}", "^(a+)+$", "^{.*}$", "a{", "a}", "]", "a{,2}", "{a}", "x{1", "(ab)*c",
  "^([a-z0-9]+(-[a-z0-9]+)*\\.)+[a-z]{2,}$", "^(?!-)a", "^(?=.*a).{2,}$", "(?<=a)b", "(?<!a)b", "(a)\\1", "\\k<n>(?<n>a)",
  "^ssh-(rsa|ed25519) \\S+( .*)?$", "^\\/([^\\/]+\\/)*[^\\/]+$", "^(#[0-9a-fA-F]{6}|)$", "💩+", "^💩$", "é", "^É$", "ſ", "K",
  // what ECMA-262 refuses
  "(", ")", "a)", "[", "[a", "*", "+a", "?", "a**", "a++", "a{2}{3}", "^*", "(?)", "(?a)", "(?P<n>a)", "(?<n>a)(?<n>b)",
  "(?i)a", "[b-a]", "a{3,2}", "\\", "(?#a)", "(?>a)", "(?<1>a)", "(?", "\\p{Nope}", "\\p{Greek}",
];

const texts = [
  "", "a", "b", "ab", "abc", "aa", "aaa", "aaaa", "aab", "ac", "bc", "A", "K", "k", "z", "j", "a\n", "\na", "a\nb", "a\r", "\n",
  "\r\n", "\t", "\v", "\f", "\b", "\0", "\x01", "\x7f", " ", "a b", "a.b", "a/b", "/a/b", "a-b", "a_b", "1", "12", "1.2.3", "1.2.3\n",
  "v1.0", "v1.0\n", "\u0661", "\u0967", "é", "É", "ß", "ſ", "\u212a", "\u00a0", "\u1680", "\u180e", "\u2003", "\u2028", "\u2029",
  "\u3000", "\ufeff", "\u200b", "\u0085", "α", "Ω", "я", "漢", "😀", "😁", "💩", "💩💩", "ǅ", "€", "$", "^", "*", "()", "{}", "{a}", "a{", "a{,2}", "x{1",
  "[", "]", "[]", "|", "\\", "-", "_", "@", "#", "\"", "%", "&", "&]", "&&b", "u41", "cJ", "dd", "A1f", "#a0b1c2", "example.org", "ex-ample.example.org", "-a",
  "ssh-rsa AAAA me", "ssh-rsa AAAA me\n", "a".repeat(20), "a".repeat(20) + "!",
];

const compiled = (pattern) => {
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags);
    } catch {}
  }
  return null;
};

const table = patterns.map((pattern) => {
  const regexp = compiled(pattern);
  return {
    pattern,
    unicode: regexp?.unicode ?? null,
    matches: regexp && texts.flatMap((text, index) => (regexp.test(text) ? [index] : [])),
  };
});
const rows = table.map((row) => "    " + JSON.stringify(row)).join(",\n");
console.log(`{\n  "texts": ${JSON.stringify(texts)},\n  "patterns": [\n${rows}\n  ]\n}`);
