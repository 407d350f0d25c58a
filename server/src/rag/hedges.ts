/** What a statement says that no source is found for, in the language of the answer. */
const HEDGES: Record<string, string> = {
  ar: ' (غير مؤكد في المصادر)',
  cs: ' (zdroje to nepotvrzují)',
  de: ' (von den Quellen nicht bestätigt)',
  el: ' (δεν επιβεβαιώνεται από τις πηγές)',
  en: ' (not confirmed by the sources)',
  es: ' (no confirmado por las fuentes)',
  fr: ' (non confirmé par les sources)',
  hi: ' (स्रोतों से पुष्ट नहीं)',
  it: ' (non confermato dalle fonti)',
  ja: '（出典で未確認）',
  ko: ' (출처에서 확인되지 않음)',
  nl: ' (niet bevestigd door de bronnen)',
  pl: ' (niepotwierdzone w źródłach)',
  pt: ' (não confirmado pelas fontes)',
  ro: ' (neconfirmat de surse)',
  ru: ' (не подтверждено источниками)',
  sv: ' (bekräftas inte av källorna)',
  th: ' (แหล่งข้อมูลไม่ได้ยืนยัน)',
  tr: ' (kaynaklarca doğrulanmadı)',
  uk: ' (не підтверджено джерелами)',
  vi: ' (chưa được nguồn xác nhận)',
  zh: '（来源未证实）',
};
/** A sign that needs no translation. */
const NEUTRAL = ' (⚠)';

/** @param language ISO 639-1 code of the answer */
export function hedgeIn(language: string): string {
  return HEDGES[language] ?? NEUTRAL;
}
