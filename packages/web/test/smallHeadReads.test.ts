import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerReader, inSmallHeadReads } from "../src/exchange/smallHeadReads.js";

const head = (...lines: string[]): Buffer => Buffer.from(["HTTP/1.1 200 OK", ...lines, "", ""].join("\r\n"));

/** What is left of the body after an answer's beginning has come in one piece. */
function leftAfter(...parts: (Buffer | string)[]): number {
  const answer = new AnswerReader();
  answer.begin();
  answer.passed(Buffer.concat(parts.map((part) => Buffer.from(part))));
  return answer.bodyLeft;
}

test("the body's length is known from its head, wherever the stream is cut", () => {
  const interim = Buffer.from("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\ncontent-length: 7\r\n\r\n");
  const answer = Buffer.concat([
    interim,
    interim,
    head("Content-Length: 300", "x: y"),
    Buffer.alloc(300, 13),
  ]);
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(answer.length), { maxLength: 8 }), (places) => {
      const reader = new AnswerReader();
      reader.begin();
      let from = 0;
      for (const to of [...places.sort((a, b) => a - b), answer.length]) {
        reader.passed(answer.subarray(from, to));
        const isBehindHead = to >= answer.length - 300;
        expect(reader.bodyLeft).toBe(isBehindHead ? answer.length - to : 0);
        from = to;
      }
    }),
  );
});

test("a length counts where it is sure", () => {
  expect(leftAfter(head("content-length: 100000"))).toBe(100_000);
  expect(leftAfter(head("CONTENT-LENGTH:100000 "), "12345")).toBe(99_995);
  expect(leftAfter(head("content-length: 5"), "123456789")).toBe(0);
  expect(leftAfter(head("server: x"))).toBe(0);
  expect(leftAfter(head("content-length: 100000", "transfer-encoding: chunked"))).toBe(0);
  expect(leftAfter(head("content-length: 100000", "content-length: 100000"))).toBe(0);
  expect(leftAfter(head("content-length: -5"))).toBe(0);
  expect(leftAfter(head("x-content-length: 100000"))).toBe(0);
});

test("what looks like a head behind the head is none, and each request begins anew", () => {
  const answer = new AnswerReader();
  answer.passed(head("content-length: 100000"));
  expect(answer.bodyLeft, "nothing was asked").toBe(0);
  answer.begin();
  answer.passed(head("transfer-encoding: chunked"));
  answer.passed(Buffer.concat([Buffer.from("\r\n\r\n"), head("content-length: 100000")]));
  expect(answer.bodyLeft).toBe(0);
  answer.begin();
  answer.passed(head("content-length: 100000"));
  expect(answer.bodyLeft).toBe(100_000);
  answer.begin();
  expect(answer.bodyLeft).toBe(0);
});

test("a head whose end never comes is not kept for ever", () => {
  const answer = new AnswerReader();
  answer.begin();
  answer.passed(Buffer.alloc(100_000, "x\n"));
  expect(answer.isInHead).toBe(true);
  answer.passed(Buffer.alloc(100_000, "x\n"));
  expect([answer.isInHead, answer.bodyLeft]).toEqual([false, 0]);
});

test("heads come in small pieces and bodies as they are", () => {
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  inSmallHeadReads(socket as unknown as Socket);
  const pieces = (bytes: Buffer): number[] => {
    socket.push(bytes);
    const sizes: number[] = [];
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null)
      sizes.push(chunk.length);
    return sizes;
  };
  socket.write("GET / HTTP/1.1\r\n\r\n");
  const long = head("x: ".padEnd(5000, "y"));
  expect(pieces(long)).toEqual([2048, 2048, long.length - 4096]);
  socket.write("GET / HTTP/1.1\r\n\r\n");
  const answer = Buffer.concat([head("content-length: 50000"), Buffer.alloc(50_000)]);
  expect(pieces(answer)).toEqual([2048, answer.length - 2048]);
  expect(pieces(Buffer.alloc(20_000)), "more than was announced").toEqual([8192, 8192, 3616]);
});
