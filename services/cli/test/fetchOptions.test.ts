import { Command } from "commander";
import { expect, test } from "vitest";
import { addFetchOptions, type FetchOptions, listOfNames, settingsOf } from "../src/commands/fetchOptions.js";
import { dashedOptions } from "../src/terminal/dashedOptions.js";

function parse(...args: string[]) {
  const command = addFetchOptions(
    new Command("fetch").exitOverride().configureOutput({ writeErr: () => undefined }),
  );
  command.parse(dashedOptions(["node", "pairloom", ...args]));
  return settingsOf(command.opts<FetchOptions>(), {});
}

test("both spellings of a name mean the same, and values keep their underscores", () => {
  const underscores = parse(
    "--url_list=my_list.csv",
    "--image_size",
    "64",
    "--resize_mode=keep_ratio_largest",
  );
  const dashes = parse("--url-list", "my_list.csv", "--image-size=64", "--resize-mode", "keep_ratio_largest");
  expect(underscores).toEqual(dashes);
  expect(underscores).toMatchObject({
    urlList: "my_list.csv",
    image: { imageSize: 64, resizeMode: "keep_ratio_largest" },
  });
});

test("a delimiter is a character or its name, and bad rows stop the command unless they are to be kept", () => {
  expect(parse("--url_list=x.csv")).toMatchObject({ delimiter: null, badRows: "error" });
  for (const delimiter of ["tab", "\t", "\\t"])
    expect(parse("--url_list=x.csv", "--delimiter", delimiter, "--on_bad_rows=keep")).toMatchObject({
      delimiter: "\t",
      badRows: "keep",
    });
  expect(() => parse("--url_list=x.csv", "--delimiter=ab")).toThrow(/one character/);
  expect(() => parse("--url_list=x.csv", "--on-bad-rows=skip")).toThrow(/error, keep/);
});

test("lists, truth values and None are understood as img2dataset's users write them", () => {
  for (const text of ['["a","b"]', "['a', 'b']", "[a,b]", "(a,b)", "a,b"])
    expect(listOfNames(text)).toEqual(["a", "b"]);
  expect(listOfNames("[]")).toEqual([]);
  expect(listOfNames("None")).toBe(null);
  const settings = parse(
    "--url_list=x.txt.gz",
    "--input_format=txt.gz",
    "--skip_reencode=True",
    "--resize_only_if_bigger",
    "--extract_exif",
    "False",
    "--compute_hash=md5",
    '--verify_hash=["sum","md5"]',
    "--disallowed_header_directives=[]",
    "--max_image_area=inf",
    "--caption_col=None",
    "--processes_count=4",
    "--enable_wandb=False",
    "--timeout=2.5",
  );
  expect(settings).toMatchObject({
    inputFormat: "txt",
    inputEnding: "txt.gz",
    captionCol: null,
    extractExif: false,
    computeHash: "md5",
    verifyHash: { column: "sum", hash: "md5" },
    image: {
      skipReencode: true,
      resizeOnlyIfBigger: true,
      maxImageArea: Number.MAX_SAFE_INTEGER,
      encodeQuality: 95,
    },
    web: { optOutDirectives: [], timeoutMs: 2500, retries: 0, hostGapMs: 1000 },
  });
  expect(parse("--url_list=x", "--compute_hash=None").computeHash).toBe(null);
  expect(parse("--url_list=x", "--encode_format=png").image.encodeQuality).toBe(6);
});

test.each([
  [["--verify_hash=[sum,md5]"], /--compute_hash must be that too/],
  [["--save_additional_columns=[url,n]"], /can't have url/],
  [["--encode_format=png", "--encode_quality=95"], /compression level, 0 to 9/],
  [["--user_agent_token=a b"], /userAgentToken/],
  [["--timeout=0"], /timeoutMs/],
])("%s is refused with what to do", (args, says) => {
  expect(() => parse("--url_list=x.txt", ...args)).toThrow(says);
});

test("an option of img2dataset that is left out is an error, not silence", () => {
  expect(() => parse("--url_list=x.txt", "--bbox_col=faces")).toThrow(/unknown option '--bbox-col=faces'/);
});
