import { openDecoders } from "@pairloom/image/decoders";
import type { Store } from "@pairloom/storage";
import { openWeb } from "@pairloom/web";
import { fetchList, listSettings, ListTally, retryFailed } from "../src/list/index.js";

export interface ListRun {
  urlList: string;
  store: Store;
  /** Settings beside those that suit the picture server. */
  more?: Record<string, unknown>;
  /** --retry-failed */
  retry?: boolean;
  signal?: AbortSignal;
}

/** Fetches a list of the picture server's URLs, politely to nobody. */
export async function runList({ urlList, store, more, retry, signal }: ListRun): Promise<ListTally> {
  const settings = listSettings.parse({
    urlList,
    outputFolder: store.url,
    captionCol: "caption",
    outputFormat: "webdataset",
    image: { imageSize: 32, minImageSize: 10, computePdq: false },
    web: { allowPrivate: ["127.0.0.0/8"], hostGapMs: 0, addressGapMs: 0, retries: 0 },
    ...more,
  });
  const web = openWeb({ settings: settings.web });
  const decoders = openDecoders({ settings: settings.image, processes: 1 });
  const tally = new ListTally();
  try {
    const context = { settings, store, web, tally, signal: signal ?? new AbortController().signal, decoders };
    await (retry === true ? retryFailed(context) : fetchList(context));
  } finally {
    await Promise.all([web.close(), decoders.close()]);
  }
  return tally;
}
