import type { ServerResponse } from "node:http";
import type { PlannedPage } from "../plan/demoPlan.js";

export interface PageRequest {
  page: PlannedPage;
  /** Asked for below /moved, where redirects lead. */
  moved: boolean;
  response: ServerResponse;
  text: (status: number, type: string, body: string, headers?: Record<string, string>) => void;
  html: () => string;
}

/** Answers the request for a page as its fate demands. */
export function answerPage({ page, moved, response, text, html }: PageRequest): void {
  const type = "text/html; charset=utf-8";
  const redirect = (location: string) => text(301, type, "", { location });
  switch (page.fate) {
    case "page_moved":
      return moved ? text(200, type, html()) : redirect(`/moved${page.path}`);
    case "page_loop":
      return redirect(moved ? page.path : `/moved${page.path}`);
    case "page_private":
      return redirect(`http://10.0.0.1${page.path}`);
    case "page_404":
      return text(404, type, "<h1>Not found</h1>\n");
    case "page_500":
      return text(500, type, "<h1>Out of order</h1>\n");
    case "page_never":
      return;
    case "page_reset":
      return void response.socket?.resetAndDestroy();
    case "page_header_noai":
      return text(200, type, html(), { "x-robots-tag": "noai, noimageai" });
    default:
      return text(200, type, html());
  }
}
