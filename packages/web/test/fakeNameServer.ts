import { createSocket } from "node:dgram";

/** What is said of a name: its addresses (with a TTL in s), a response code, or nothing at all. */
export type Said = { addresses: string[]; ttl?: number } | { code: "NXDOMAIN" | "SERVFAIL" } | "silence";

const codes = { NXDOMAIN: 3, SERVFAIL: 2 };

/** A name server on loopback (RFC 1035 over UDP): knows A and AAAA, and notes what it was asked. */
export async function fakeNameServer(say: (name: string, type: "A" | "AAAA") => Said | Promise<Said>) {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, from) => {
    const [name, end] = nameAt(query, 12);
    const type = query.readUInt16BE(end) === 28 ? "AAAA" : "A";
    asked.push(`${type} ${name}`);
    void Promise.resolve(say(name, type)).then((said) => {
      if (said !== "silence") socket.send(answer(query, end + 4, type, said), from.port, from.address);
    });
  });
  socket.bind(0, "127.0.0.1");
  await new Promise((resolve) => socket.once("listening", resolve));
  const { port } = socket.address();
  return { address: `127.0.0.1:${port}`, asked, close: () => socket.close() };
}

function nameAt(query: Buffer, start: number): [name: string, end: number] {
  const labels: string[] = [];
  let at = start;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return [labels.join(".").toLowerCase(), at + 1];
}

function answer(
  query: Buffer,
  questionEnd: number,
  type: "A" | "AAAA",
  said: Exclude<Said, "silence">,
): Buffer {
  const addresses =
    "addresses" in said ? said.addresses.filter((a) => a.includes(":") === (type === "AAAA")) : [];
  const header = Buffer.from(query.subarray(0, 12));
  // A response, recursion available; one question, so many answers, nothing else.
  header.writeUInt16BE(0x8180 | ("code" in said ? codes[said.code] : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  header.fill(0, 8);
  const records = addresses.map((address) => {
    const data = type === "A" ? Buffer.from(address.split(".").map(Number)) : sixteenBytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0); // the name of the question
    record.writeUInt16BE(type === "A" ? 1 : 28, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE("ttl" in said ? (said.ttl ?? 60) : 60, 6);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, query.subarray(12, questionEnd), ...records]);
}

function sixteenBytes(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<number>(missing).fill(0), ...groups(tail)];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}
