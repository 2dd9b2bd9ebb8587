import { expect, it } from "vitest";
import { buildConnector, type Dispatcher } from "undici";
import { LooseDispatcher } from "../src/loose/looseDispatcher.js";
import { rawServer } from "./rawServer.js";

it("a connection that stood at the wrong moment carries the next request, and no more than that one", async () => {
  const server = await rawServer({ "/a": "HTTP/1.1 200 OK\n\na" });
  let opened = 0;
  const connect = buildConnector({ timeout: 1000 });
  const sender = new LooseDispatcher((options, callback) => {
    opened++;
    connect(options, callback);
  });
  const ask = (maySend: boolean): Promise<string> =>
    new Promise((resolve) => {
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart() {
          if (!maySend) throw new Error("not now");
        },
        onResponseEnd: () => resolve("answered"),
        onResponseError: (_controller, error) => resolve(error.message),
      };
      const origin = `http://127.0.0.1:${server.port}`;
      sender.dispatch({ origin, path: "/a", method: "GET", headers: { accept: "*/*" } }, handler);
    });
  expect([await ask(false), await ask(false), await ask(true)]).toEqual(["not now", "not now", "answered"]);
  expect([opened, server.asked.length]).toEqual([1, 1]);
  expect(await ask(true)).toBe("answered");
  expect([opened, server.asked.length]).toEqual([2, 2]);
  expect(await ask(false)).toBe("not now");
  sender.close();
  expect(await ask(true)).not.toBe("answered");
  expect(server.asked).toHaveLength(2);
  await server.close();
});

it("a line end in a header is refused before anything is opened", () => {
  const sender = new LooseDispatcher(() => expect.unreachable());
  const headers = { accept: "a\r\nb: c" };
  expect(() =>
    sender.dispatch({ origin: "http://127.0.0.1", path: "/", method: "GET", headers }, {}),
  ).toThrow("line end");
});
