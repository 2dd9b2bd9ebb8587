export interface Count {
  pages: number;
  imageTags: number;
  withText: { page: string; image: string }[];
}
export function imagesWithText(html: string, pageUrl: string): { tags: number; images: string[] };
export function countFolder(folder: string, baseUrl: string): Count;
