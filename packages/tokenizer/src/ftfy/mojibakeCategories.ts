/**
 * The few hundred characters that UTF-8 turns into when it is read as another encoding, sorted by how they behave in
 * honest text; parts of character classes. The sorting is ftfy's (Robyn Speer, Apache-2.0).
 */
export const categories = {
  common: "\u00a0\u00ad´·–-―\u2019…",
  c1: "\u0080-\u009f",
  bad: "¤¦¨ª¬¯¸ºƒˆˇ˘˛˜†‡‰⌐◊\ufffd",
  law: "§¶",
  currency: "¢£¥₧€",
  startPunctuation: "¡©«¿΄΅\u2018‚\u201c„•‹\uf8ff",
  endPunctuation: "®»˝\u201d›™",
  numeric: "±-³µ¹¼-¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥",
  kaomoji: "°Ò-ÖÙ-Üò-öø-üŌŐŪŲ",
  upperAccented: "À-ÑØÜÝĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ",
  lowerAccented: "ß-ñüāăąćčďđēėęěğģīįķĺļľłœŕśşšťźżžґﬁﬂ",
  upperCommon: "ÞΆΈ-ΊΌΎΏΑ-ΫЁ-Я",
  lowerCommon: "ά-ωа-џ",
  box: "│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓",
} as const;

/** What the bytes of UTF-8 look like in encodings akin to Latin-1: first bytes by length of sequence, and the others. */
export const clues = {
  firstOfTwo: "Â-ßĀĂĆČĎĐĒĖĘĚĞĢĪİĶĹĻŁŃŅŇŌŐŘŚŞŠŢŪŮŰŲŹŻŽΒ-ΡΣ-ίВ-Я",
  firstOfThree: "à-ïāăąćčďēėęěģīįķĺļŕźΰ-οа-п",
  firstOfFour: "ðóđğšπσру",
  continuation:
    "\u0020\u0080-¿ÆØæøĄąĽľŁłŒœŖŗŚśŞ-šŤťŸ-žƒˆˇ˘˛-˝΄-ΆΈ-ΊΌΎΏЁ-ЌЎЏё-ќўџҐґ–-―\u2018-‚\u201c-„†-•" + "…‰‹›€№™",
  strictContinuation: "\u0080-¿ÆØæøĄąĽľŁłŒœŖŗŚśŞ-šŤťŸ-žƒˆˇ˘˛-˝΄-ΆΈ-ΊΌΎΏЁ-ЌЎЏё-ќўџҐґ†‡‰‹›€№™",
} as const;
