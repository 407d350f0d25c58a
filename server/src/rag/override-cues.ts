import { GAP, type InstructionCue, cue, notNegated, order, wordStart } from './instruction-cue.js';

/** A verb with an earlier, all or own thing that is meant to bind a model; the order of the three is the language's. */
function overrideCues(words: { verb: string; which: string; what: string; verbLast?: boolean }) {
  const { verb, which, what } = words;
  if (words.verbLast === true) {
    return cue('override', 0.6, `(?:${which})${GAP}(?:${what})${GAP}(?:${verb})`);
  }
  const objects = `(?:(?:${which})${GAP}(?:${what})|(?:${what})${GAP}(?:${which}))`;
  return cue('override', 0.6, `${notNegated(verb)}${GAP}${objects}`);
}

/** Phrases that take back what a model was told before. */
export const OVERRIDE_CUES: readonly InstructionCue[] = [
  overrideCues({
    verb: `${order('ignore|disregard|forget|override|bypass|neglect|discard')}\\b`,
    which:
      '\\b(?:previous|previously|prior|preceding|earlier|above|all|any|your|former|foregoing|system|other|everything|existing|original|initial)\\b',
    what: '\\b(?:instructions?|prompts?|rules|guidelines|directives?|orders|commands?|constraints?|context|training|restrictions?|programming|guardrails?)\\b',
  }),
  cue(
    'override',
    0.6,
    `${order('forget|ignore|disregard')} (?:everything|all|anything)(?: that)? (?:you (?:know|were|have been|'ve been)|i (?:told|said)|before|above|prior)`,
  ),
  cue(
    'override',
    0.4,
    '\\b(?:previous|prior|above|earlier|all|your) (?:instructions?|rules|prompts?) (?:(?:are|is) (?:now )?(?:void|cancelled|canceled|obsolete|revoked|superseded)|no longer appl(?:y|ies))',
  ),
  cue(
    'override',
    0.5,
    '\\bnew (?:system )?(?:instructions?|prompt|directives?)(?: for (?:you|the (?:ai|assistant|model)))?\\s*:',
  ),
  cue(
    'override',
    0.5,
    `\\b(?:do not|don't|stop|no longer) (?:follow|obey|follow any|following|obeying)\\b${GAP}\\b(?:instructions|rules|prompts?|guidelines)\\b${GAP}\\b(?:you (?:were|have)|earlier|previous|before|your)`,
  ),
  cue(
    'override',
    0.35,
    `${order('ignore|disregard|forget')} (?:the |all of the |everything )?(?:above|foregoing)(?= ?[.!,;:]|$)`,
  ),
  overrideCues({
    verb: wordStart(
      '(?:ignorier(?:e|en|t)|missachte[nt]?|vergiss|vergesst|vergessen? sie|verwirf|umgeh(?:e|en sie))',
    ),
    which:
      '(?:vorherig|vorig|bisherig|obig|früher|vorangegangen|vorangehend|alle|sämtlich|deine|ihre|ursprünglich|system)\\p{L}*',
    what: '(?:anweisung|instruktion|regel|vorgabe|richtlinie|befehl|prompt|kontext)\\p{L}*',
  }),
  overrideCues({
    verb: wordStart(
      '(?:ignor[ae]n?|olvid[ae]n?|descart[ae]n?|haz caso omiso|haga caso omiso|desobedece|omite)',
    ),
    which: '(?:anterior|previ[ao]s|tod[ao]s|tus|de arriba|precedentes|del sistema|originales)(?:es)?',
    what: '(?:instruccion|reglas|directrices|órdenes|ordenes|indicaciones|prompt|restricciones)\\p{L}*',
  }),
  overrideCues({
    verb: wordStart(
      '(?:ignore[zr]?|oublie[zr]?|fai(?:s|tes) abstraction|passe[zr]? outre|outrepasse[zr]?|désobéi\\p{L}*|ne (?:tiens|tenez) (?:plus|pas|aucun) compte|contourne[zr]?)',
    ),
    which: '(?:précédent|antérieur|toutes|tous|ci-dessus|tes|initial|système|système|préalable)\\p{L}*',
    what: '(?:instruction|consigne|règle|directive|ordres|prompt|invite|contrainte)\\p{L}*',
  }),
  overrideCues({
    verb: wordStart(
      '(?:ignora(?:te)?|ignori|dimentica(?:te)?|scarta(?:te)?|trascura(?:te)?|disobbedisci|non tenere (?:più )?conto|bypassa)',
    ),
    which: '(?:precedent|tutt[ei]|sopra|tue|anterior|original|di sistema)\\p{L}*',
    what: '(?:istruzion|regol|direttiv|ordini|prompt|comandi|linee guida)\\p{L}*',
  }),
  overrideCues({
    verb: wordStart('(?:ignor[ae]m?|esqueça|esquece|desconsider[ae]|descart[ae]|desobedeça)'),
    which: '(?:anterior|tod[ao]s|acima|prévi[ao]s|suas|tuas|do sistema|originais)(?:es)?',
    what: '(?:instruç|regras|diretriz|ordens|comandos|prompt|orientaç)\\p{L}*',
  }),
  overrideCues({
    verb: wordStart('(?:negeer|vergeet|omzeil|veronachtzaam|verwerp)'),
    which: '(?:vorige|eerdere|alle|bovenstaande|voorgaande|jouw|je|oorspronkelijke|systeem)',
    what: '(?:instructie|regel|aanwijzing|opdracht|richtlijn|prompt|bevel)\\p{L}*',
  }),
  overrideCues({
    verb: `${wordStart('(?:про)?(?:игнорируй(?:те)?|забудь(?:те)?|отбрось(?:те)?|пренебреги(?:те)?|отмени(?:те)?|не обращай(?:те)? внимания на|не следуй(?:те)?)')}(?![\\p{L}])`,
    which: '(?:предыдущ|прежн|все[хм]?|выше|свои|твои|ранее|систем|первоначальн)\\p{L}*',
    what: '(?:инструкци|указани|правил|команд|распоряжени|промпт|директив)\\p{L}*',
  }),
  overrideCues({
    verb: `(?<!الذين |الذي |التي )${wordStart('(?:و|ف)?(?:تجاهل|تجاهلي|تجاهلوا|انس|انسَ|تجاوز|أهمل|اهمل|لا تتبع)')}(?![\\p{L}])`,
    which: '(?:السابق|جميع|كل|كافة|أعلاه|اعلاه|المذكور|القديم|الأصلي|النظام)\\p{L}*',
    what: '(?:تعليمات|أوامر|اوامر|الأوامر|قواعد|إرشادات|ارشادات|توجيهات|القيود)\\p{L}*',
  }),
  overrideCues({
    which: '(?:पिछल|सभी|उपरोक्त|पहले|ऊपर|पूर्व|अपने)[\\p{L}\\p{M}]*',
    what: '(?:निर्देश|नियम|आदेश|प्रॉम्प्ट|हिदायत)[\\p{L}\\p{M}]*',
    verb: '(?:अनदेखा|अनदेखी|नज़रअंदाज़|नज़रअंदाज़|नजरअंदाज|उपेक्षा)(?!\\s*न)|भूल जा|को भूल|पर ध्यान न',
    verbLast: true,
  }),
  overrideCues({
    verb: '(?:忽略|忽視|忽视|无视|無視|忘记|忘掉|忘記|不要理会|不要理會|抛弃|丢弃|跳过|绕过)(?:掉)?',
    which: '(?:之前|以上|先前|前面|上述|所有|全部|上面|此前|你的|系统|系統|一切|原有)',
    what: '(?:指令|指示|规则|規則|提示|命令|设定|設定|约束|限制)',
  }),
  overrideCues({
    which: '(?:これまで|以前|上記|前述|前の|すべて|全て|全部|あなた|今まで|システム|元の)',
    what: '(?:指示|命令|ルール|規則|プロンプト|指令|制約|設定)',
    verb: '(?:無視(?!しない|せず|しては)|忘れ(?!ない|ず)|破棄し|従わない|従わず|無効に)',
    verbLast: true,
  }),
  overrideCues({
    which: '(?:önceki|yukarıdaki|tüm|bütün|daha önceki|sistem|sana verilen|şimdiye kadar\\p{L}*)',
    what: '(?:talimat|kural|yönerge|komut|emir|emr|istem|yönlendirme)\\p{L}*',
    verb: '(?:görmezden gel(?!m)|yok say(?!m)|unut(?!m)|dikkate alma|göz ardı et(?!m)|umursama|geçersiz)',
    verbLast: true,
  }),
];
