import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LooseAnswer } from "../src/loose/looseAnswer.js";
import { framingOf, parseLooseHead } from "../src/loose/looseHead.js";

const headed = (...lines: string[]) => parseLooseHead(["HTTP/1.1 200 OK", ...lines].join("\r\n"));

describe("a status line", () => {
  it.each([
    ["HTTP/1.1 200 OK", 200],
    ["HTTP/1.1 200", 200],
    ["HTTP/1.1  404  Not Found", 404],
    ["HTTP/1.1\t200\tOK", 200],
    ["HTTP/1.2 200 OK", 200],
    ["HTTP/2.0 200 OK", 200],
    ["HTTP/0.9 200 OK", 200],
    ["HTTP 200 OK", 200],
    ["http/1.1 200 ok", 200],
    [" HTTP/1.1 200 OK", 200],
    ["\r\n\r\n\r\nHTTP/1.1 200 OK", 200],
    ["HTTP/1.1 200 caf\xe9", 200],
    ["HTTP/1.1 999 Request denied", 999],
  ])("%j is read", (line, status) => {
    expect(parseLooseHead(line)).toEqual({ httpStatus: status, headers: {} });
  });
  it.each([
    "HTTP/1.1 OK",
    "HTTP/1.1",
    "HTTP/1.1 20 OK",
    "HTTP/1.1 2000 OK",
    "ICY 200 OK",
    "junk!HTTP/1.1 200",
  ])("%j is refused", (line) => expect(() => parseLooseHead(line)).toThrow("no status"));
});

describe("header lines", () => {
  it.each<[string, string[], Record<string, string | string[]>]>([
    ["a blank before the colon", ["Content-Type : image/png"], { "content-type": "image/png" }],
    ["a value that goes on in the next line", ["x: a", "  b", "\tc", "y: d"], { x: "a b c", y: "d" }],
    ["a blank before the first name", ["  x: a", "y: d"], { x: "a", y: "d" }],
    ["a line without a colon", ["nonsense", "x: a"], { x: "a" }],
    ["no name", [": a", "x: a"], { x: "a" }],
    ["a name that is none", ["a b: c", "caf\xe9: d", "x: a"], { x: "a" }],
    ["a lone CR", ["x: a\rb"], { x: "a b" }],
    ["several of a name", ["X: a", "x: b", "x:"], { x: ["a", "b", ""] }],
    ["bytes beyond ASCII", ["x: caf\xe9"], { x: "caf\xe9" }],
    ["colons in the value", ["x: a:b:c"], { x: "a:b:c" }],
  ])("%s", (_name, lines, headers) => {
    expect(headed(...lines).headers).toEqual(headers);
  });
  it("a NUL byte is refused", () => {
    expect(() => headed("x: a\0b")).toThrow("NUL");
  });
  it("no name reaches an object's prototype", () => {
    const { headers } = headed("__proto__: a");
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect(Object.keys(headers)).toEqual(["__proto__"]);
  });
});

describe("a body's length", () => {
  it.each<[string[], number | "close" | "refused"]>([
    [["Content-Length: 42"], 42],
    [["Content-Length: 042"], 42],
    [["Content-Length: 42", "Content-Length: 42"], 42],
    [["Content-Length: 42, 42"], 42],
    [["Content-Length: 42", "Content-Length: 42,42"], 42],
    [["Content-Length: 42", "Content-Length: 43"], "refused"],
    [["Content-Length: 42,43"], "refused"],
    [["Content-Length: 42,"], "refused"],
    [["Content-Length: 042, 42"], "refused"],
    [["Content-Length: a", "Content-Length: b"], "refused"],
    [["Content-Length: many", "Content-Length: many"], "close"],
    [["Content-Length: +42"], "close"],
    [["Content-Length: -42"], "close"],
    [["Content-Length: 42 bytes"], "close"],
    [["Content-Length: 0x2a"], "close"],
    [["Content-Length:"], "close"],
    [[`Content-Length: ${"9".repeat(30)}`], "close"],
    [["Transfer-Encoding: identity", "Content-Length: 42"], 42],
    [["Transfer-Encoding: identity"], "close"],
    [[], "close"],
  ])("%j is %s", (lines, expected) => {
    const framing = () => framingOf(headed(...lines));
    if (expected === "refused") expect(framing).toThrow("two lengths");
    else if (expected === "close") expect(framing()).toEqual({ kind: "close" });
    else expect(framing()).toEqual({ kind: "length", bytes: expected });
  });
  it("chunks outrank lengths, even such as differ", () => {
    const lines = ["Content-Length: 1", "Content-Length: 2", "Transfer-Encoding: Chunked"];
    expect(framingOf(headed(...lines))).toEqual({ kind: "chunked" });
  });
  it.each([204, 205, 304])("%d has none", (status) => {
    expect(framingOf(parseLooseHead(`HTTP/1.1 ${status}\r\nContent-Length: 5`))).toEqual({ kind: "none" });
  });
});

/** What an answer in pieces comes to: its statuses, its body, and how it ended. */
function readInPieces(pieces: readonly Buffer[]): { statuses: number[]; body: string; ended: string } {
  const statuses: number[] = [];
  let body = "";
  const answer = new LooseAnswer({
    head: ({ httpStatus }) => statuses.push(httpStatus) > 0,
    data: (bytes) => (body += bytes.toString("latin1")),
  });
  try {
    for (const piece of pieces) if (answer.push(piece)) return { statuses, body, ended: "whole" };
    answer.end();
    return { statuses, body, ended: "closed" };
  } catch (error) {
    return { statuses, body, ended: (error as { code: string }).code };
  }
}

const answers: [name: string, bytes: string, statuses: number[], body: string, ended: string][] = [
  ["LF alone", "HTTP/1.1 200 OK\nContent-Length: 4\n\nbodymore", [200], "body", "whole"],
  ["LF and CR LF", "HTTP/1.1 200 OK\nContent-Length: 4\r\n\nbody", [200], "body", "whole"],
  ["a body that begins with line ends", "HTTP/1.1 200\n\n\n\r\nbody", [200], "\n\r\nbody", "closed"],
  ["line ends before it", "\r\n\r\n\n\nHTTP/1.1 200 OK\r\n\r\nbody", [200], "body", "closed"],
  [
    "interim answers",
    "HTTP/1.1 100 Continue\n\nHTTP/1.1 103\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
    [100, 103, 200],
    "x",
    "whole",
  ],
  ["no body", "HTTP/1.1 204 None\n\nHTTP/1.1 200 OK\n\n", [204], "", "whole"],
  ["a body of no bytes", "HTTP/1.1 200\nContent-Length: 0\n\n", [200], "", "whole"],
  [
    "chunks with LF, extensions, blanks and trailers",
    "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n002;a=b\nbo\n2 \r\ndy\r\n0\nx: y\n\nrest",
    [200],
    "body",
    "whole",
  ],
  ["a body cut off", "HTTP/1.1 200\nContent-Length: 5\n\nbody", [200], "body", "ANSWER_REFUSED"],
  ["chunks cut off", "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n4\nbody\n", [200], "body", "ANSWER_REFUSED"],
  ["a chunk too long", "HTTP/1.1 200\nTransfer-Encoding: chunked\n\n2\nbody\n0\n\n", [200], "bo", "ANSWER_REFUSED"],
  ["a size that is none", "HTTP/1.1 200\nTransfer-Encoding: chunked\n\nzz\n", [200], "", "ANSWER_REFUSED"],
  ["a size beyond all sizes", `HTTP/1.1 200\nTransfer-Encoding: chunked\n\n${"f".repeat(14)}\n`, [200], "", "ANSWER_REFUSED"],
  ["a head cut off", "HTTP/1.1 200 OK\nContent-Length: 5\n", [], "", "ANSWER_REFUSED"],
  ["another protocol", "HTTP/1.1 101 Switching\n\n", [], "", "ANSWER_REFUSED"],
  ["SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", [], "", "ANSWER_REFUSED"],
  ["HTTP/0.9", "<html>hello</html>", [], "", "ANSWER_REFUSED"],
  ["nothing", "", [], "", "ANSWER_REFUSED"],
  ["a line between chunks without end", `HTTP/1.1 200\nTransfer-Encoding: chunked\n\n4;${"x".repeat(20_000)}`, [200], "", "ANSWER_REFUSED"],
  ["a trailer without end", `HTTP/1.1 200\nTransfer-Encoding: chunked\n\n0\n${"x: y\n".repeat(60_000)}`, [200], "", "ANSWER_REFUSED"],
  ["a head without end", `HTTP/1.1 200 OK\nx: ${"y".repeat(300_000)}`, [], "", "UND_ERR_HEADERS_OVERFLOW"],
  ["a head of too many lines", `HTTP/1.1 200 OK\n${"x: y\n".repeat(5001)}\n`, [], "", "UND_ERR_HEADERS_OVERFLOW"],
  ["a long head", `HTTP/1.1 200 OK\nx: ${"y".repeat(200_000)}\nContent-Length: 1\n\nx`, [200], "x", "whole"],
]; // prettier-ignore

describe("an answer", () => {
  it.each(answers)("%s", (_name, bytes, statuses, body, ended) => {
    expect(readInPieces([Buffer.from(bytes, "latin1")])).toEqual({ statuses, body, ended });
  });
  it("comes to the same wherever its bytes are cut in pieces", () => {
    const short = answers.filter(([, bytes]) => bytes.length < 1000);
    fc.assert(
      fc.property(fc.constantFrom(...short), fc.array(fc.nat(200), { maxLength: 12 }), (one, places) => {
        const [, text, statuses, body, ended] = one;
        const bytes = Buffer.from(text, "latin1");
        const cuts = [
          0,
          ...places.filter((place) => place < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        const pieces = cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
        expect(readInPieces(pieces)).toEqual({ statuses, body, ended });
      }),
      { numRuns: 1000 },
    );
  });
});
