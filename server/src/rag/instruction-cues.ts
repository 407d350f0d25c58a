import { GAP, type InstructionCue, cue, notNegated, order, wordStart } from './instruction-cue.js';
import { OVERRIDE_CUES } from './override-cues.js';

const MODEL_EN =
  '(?:ai(?:s| (?:assistants?|models?|agents?|systems?|bots?))?|llms?|(?:large )?language models?|chat ?bots?|(?:virtual|digital) assistants?|gpt(?:-?\\d[\\w.]*)?|chatgpt|claude|gemini|copilot)';
const MODEL =
  '(?:ki(?:-\\p{L}+)?|ia|ии|ai|yapay zek[aâ]\\p{L}*|ذكاء اصطناعي|الذكاء الاصطناعي|एआई|कृत्रिम बुद्धिमत्ता|人工智能|人工智慧|人工知能|sprachmodell\\p{L}*|modelo de lenguaje|modèle de langage|modello linguistico|modelo de linguagem|taalmodel|языков\\p{L}+ модел\\p{L}+|dil modeli|语言模型|語言模型|言語モデル|नموذج لغوي|نموذج لغ\\p{L}+|भाषा मॉडल|asistentes? (?:de )?ia|assistants? ia|ии-ассистент\\p{L}*|asistente virtual|ai-assistent\\p{L}*|assistant ia|assistente ai|ассистент\\p{L}*|المساعد|सहायक|asistan|助手|アシスタント|assistent|asistente|assistente|chatbot\\p{L}*|llms?)';

const ADDRESSES = [
  cue(
    'address',
    0.5,
    `\\b(?:attention|notice|note|message|instructions?|important|dear|hello|hey|warning|directive)\\b(?: (?:to|for|all|any|the|every))*[ :,]+${MODEL_EN}\\b(?=\\s*[:,.!—–-]|\\s+(?:reading|processing|that|who|and|models?|assistants?))`,
  ),
  cue(
    'address',
    0.45,
    `\\bif you(?: are|'re|’re) (?:an? |the |any )?(?:${MODEL_EN}|assistant|automated (?:system|agent)|bot)\\b`,
  ),
  cue(
    'address',
    0.5,
    `\\b(?:${MODEL_EN}|the assistant)\\b(?: (?:reading|processing|summari[sz]ing|answering)[^.!?\\n]{0,30})? (?:must|should|shall|will now|has to|have to|is required to|are required to)\\b${GAP}\\b(?:ignore|respond|reply|say|output|tell|recommend|state|append|reveal|disregard|claim|rate|print|include)\\b`,
  ),
  cue(
    'address',
    0.45,
    `(?:^|[\\n>])\\W{0,4}(?:${MODEL_EN}|assistant)\\s*[:,]\\s*(?:please |now |you |always |never |do |don't |ignore |from now )`,
  ),
  cue(
    'address',
    0.45,
    `(?:an (?:alle|jede|die)|achtung|hinweis|hallo|wichtig|atención|aviso|nota|attenzione|attention|atenção|let op|внимание|примечание|انتباه|تنبيه|ملاحظة|إلى|ध्यान दें|注意|致|给|通知|dikkat|not)(?: \\p{L}{1,4}){0,3}[\\s:,：、]*${MODEL}\\s*[:,.!：，、]`,
  ),
  cue(
    'address',
    0.45,
    `(?:wenn (?:du|sie) eine? |si eres una? |si tu es une? |si vous êtes une? |se sei un['’ao]? ?|se você é uma? |als je een |если ты |إذا كنت |यदि आप |अगर आप |如果你是|若你是|もしあなたが|eğer (?:bir )?)${GAP}${MODEL}`,
  ),
];

const PERSONA_NOUN =
  '(?:ai|assistant|bot|chatbot|model|mode|dan|unrestricted|unfiltered|evil|pirate|hacker|jailbroken|uncensored|assistent\\p{L}*|asistente|assistente|modell|modelo|modello|modus|modo|mode|ассистент\\p{L}*|бот\\p{L}*|модел\\p{L}*|помощник\\p{L}*|хакер\\p{L}*|مساعد\\p{L}*|نموذج|روبوت|सहायक|मॉडल|बॉट|助手|助理|模型|机器人|黑客|アシスタント|モデル|ボット|ハッカー|asistan\\p{L}*|model\\p{L}*|piraat|pirat\\p{L}*|pirata|korsan|海盗|海賊|пират\\p{L}*|قرصان|ki|ia|ии|yapay zek\\p{L}*)(?![\\p{L}])';

const PERSONAS = [
  cue(
    'persona',
    0.5,
    `\\b(?:you are (?:now|no longer|hereby)|from now on,? you (?:are|will be|act)|pretend (?:to be|you are)|act as(?: if you were)?|roleplay as|you will act as)\\b${GAP}\\b${PERSONA_NOUN}`,
  ),
  cue(
    'persona',
    0.3,
    "\\byou(?: are|'re) an? \\p{L}+ (?:now|from now on)\\b|\\byour new (?:role|task|goal|purpose|job|persona|identity|instructions?) (?:is|are)\\b",
  ),
  cue(
    'persona',
    0.45,
    '\\b(?:enter|enable|activate|switch to)\\b[^.!?\\n]{0,15}\\b(?:developer|debug|god|dan|jailbreak|admin(?:istrator)?|maintenance|unrestricted) mode\\b',
  ),
  cue(
    'persona',
    0.35,
    '\\bfrom now on,? (?:you (?:must|will|shall|only|always|are to)|answer|respond|reply|speak|say|always|only|every)\\b',
  ),
  cue(
    'persona',
    0.5,
    `(?:du bist (?:jetzt|nun|ab sofort|ab jetzt)|ahora eres|eres ahora|tu es (?:maintenant|désormais)|vous êtes (?:maintenant|désormais)|ora sei|adesso sei|sei ora|agora você é|você (?:é|será) agora|je bent (?:nu|vanaf nu)|теперь ты|ты теперь|отныне ты|أنت الآن|انت الان|अब आप|अब तुम|你现在是|你現在是|从现在(?:开始|起).{0,2}你(?:是|将)|あなたは今(?:から|後)?|今からあなたは|これからあなたは|artık sen|sen artık|artık bir)${GAP}${PERSONA_NOUN}`,
  ),
  cue(
    'persona',
    0.35,
    `(?:${wordStart('ab (?:sofort|jetzt)')} (?:antwortest|bist|musst|wirst) du|a partir de (?:ahora|agora),? (?:debes|responde|responderás|deve|responda|você deve|eres)|à partir de maintenant,? (?:tu|réponds|vous)|d['’]ora in (?:poi|avanti),? (?:devi|rispondi|sei)|vanaf nu (?:antwoord|moet je|ben je)|(?:отныне|с этого момента|с этой минуты),? (?:ты|отвечай)|من الآن فصاعد[اً]*،? (?:أنت|يجب|أجب)|अब से (?:आप|केवल|हमेशा)|从现在(?:开始|起)[，,]?(?:你|只|请|必须|一律)|今後は|これからは(?:必ず|常に)|(?:şu andan|bundan) (?:itibaren|sonra) (?:sen|yalnızca|sadece|her))`,
  ),
];

const SYSTEM_PROMPT =
  '(?:(?:system|initial|original|hidden|secret|internal|developer|full|entire) ?(?:prompt|instructions?|message)|system-?prompt\\p{L}*|prompt (?:del|de) sistema|prompt (?:du )?système|instructions? (?:système|initiales|secrètes|cachées)|instrucciones (?:ocultas|internas|secretas|iniciales)|istruzioni (?:di sistema|nascoste|segrete|iniziali|interne)|prompt di sistema|prompt do sistema|instruções (?:ocultas|internas|secretas|iniciais)|systeemprompt|(?:verborgen|geheime|interne) (?:instructies|anweisungen)|(?:geheimen?|versteckten?|internen?) anweisungen|системн\\p{L}+ (?:промпт|подсказк|инструкци|сообщени)\\p{L}*|(?:скрыт|секретн)\\p{L}+ (?:инструкци|указани)\\p{L}*|(?:موجه|تعليمات|رسالة) النظام|تعليماتك|(?:सिस्टम|छिपे|गुप्त)[\\p{L}\\p{M}]* (?:प्रॉम्प्ट|निर्देश)[\\p{L}\\p{M}]*|系统(?:提示词?|指令|消息)|系統(?:提示詞?|指令)|隐藏(?:的)?指令|システム(?:プロンプト|メッセージ)|(?:内部|秘密の|隠された)指示|sistem (?:istem|prompt|mesaj|talimat)\\p{L}*|gizli talimat\\p{L}*)';
const REVEAL_EN = '(?:reveal|print|output|repeat|show|display|leak|disclose|recite|tell|write out|dump)\\b';
const REVEAL =
  '(?:gib|nenne|zeige?|verrate|wiederhole|muestra|revela|imprime|repite|révèle[rz]?|affiche[rz]?|répète[rz]?|montre[rz]?|rivela|mostra|ripeti|stampa|revele|mostre|repita|imprima|toon|onthul|herhaal|раскрой|покажи|повтори|выведи|напечатай|اكشف|اعرض|اطبع|كرر|显示|输出|打印|透露|泄露|重复|顯示|輸出)';
/** Languages that put the verb last. */
const REVEAL_LAST =
  '(?:प्रकट|दिखा|बता|दोहरा|显示|输出|打印|透露|泄露|顯示|輸出|表示|出力|開示|教え|göster|açıkla|yazdır|tekrarla|ifşa|aus(?![\\p{L}])|wieder(?![\\p{L}]))';

const SYSTEM_PROMPTS = [
  cue('system_prompt', 0.55, `(?:${order(REVEAL_EN)}|${notNegated(REVEAL)})${GAP}${SYSTEM_PROMPT}`),
  cue('system_prompt', 0.55, `${SYSTEM_PROMPT}${GAP}${REVEAL_LAST}`),
  cue(
    'system_prompt',
    0.4,
    `\\b(?:reveal|repeat|print|output|recite|leak)\\b${GAP}\\byour (?:instructions?|prompt|rules|configuration|guidelines)\\b`,
  ),
];

const CONCEALMENTS = [
  cue(
    'concealment',
    0.35,
    "\\b(?:do not|don't|don’t|never|without|refrain from) (?:mention|tell|reveal|disclos|inform|show|say|admit)\\w*[^.!?\\n]{0,40}\\b(?:users?|readers?|humans?|visitors?|this (?:instruction|message|prompt|note|directive|rule)|these (?:instructions|rules))\\b",
  ),
  cue(
    'concealment',
    0.35,
    '(?:erwähne|verrate|sage?) (?:dem|den|der|diese)[^.!?\\n]{0,30}(?:nutzer|benutzer|anweisung)[^.!?\\n]{0,20}(?:nicht|nichts)|no (?:menciones|digas|reveles)[^.!?\\n]{0,40}(?:usuario|instrucci|mensaje)|ne (?:mentionne|dis|révèle)[^.!?\\n]{0,40}(?:utilisateur|instruction|consigne)|non (?:menzionare|dire|rivelare)[^.!?\\n]{0,40}(?:utent|istruzion)|não (?:mencione|diga|revele)[^.!?\\n]{0,40}(?:usuári|instruç)|(?:vertel|noem)[^.!?\\n]{0,30}(?:gebruiker|instructie)[^.!?\\n]{0,20}niet|не (?:упоминай|говори|сообщай)[^.!?\\n]{0,40}(?:пользовател|инструкци)|لا (?:تذكر|تخبر)[^.!?\\n]{0,40}(?:المستخدم|التعليمات)|उपयोगकर्ता[^.!?\\n।]{0,40}(?:न बता|मत बता)|不要(?:告诉|提及|透露)[^。！？\\n]{0,20}(?:用户|指令|使用者)|ユーザー(?:に|へ)[^。\\n]{0,20}(?:言わ|伝え|知らせ|教え)(?:な|ず)|kullanıcıya[^.!?\\n]{0,30}(?:söyleme|bahsetme|bildirme)',
  ),
];

const OUTPUT_ORDERS = [
  cue(
    'output_order',
    0.3,
    '\\b(?:respond|reply|answer)(?: to (?:every|all|any)[^.!?\\n]{0,25})? (?:only |always |exclusively |just )?(?:with|by saying)(?: (?:exactly|only|just))?\\s*[:"“\'‘]?',
  ),
  cue(
    'output_order',
    0.3,
    `${order('only|always|never|exclusively')} (?:answer|respond|reply|say|output|recommend|tell)\\b|\\b(?:end|begin|start|finish) (?:every|each|all|your) (?:of your )?(?:answers?|repl(?:y|ies)|responses?|messages?) with\\b`,
  ),
  cue(
    'output_order',
    0.3,
    '\\byour (?:only |next |final |entire |whole )?(?:answer|reply|response|output|task|goal|job) (?:must|should|is now|is to|shall)\\b',
  ),
  cue(
    'output_order',
    0.35,
    '\\bwhen(?:ever)? (?:summari[sz]ing|answering|responding|(?:a|the|any) users? asks?|you (?:answer|respond|reply|are asked))\\b[^.!?\\n]{0,60}\\b(?:say|tell|always|include|recommend|reply|respond|append|answer|state|add)\\b',
  ),
  cue(
    'output_order',
    0.35,
    `antworten? (?:du |sie )?(?:nur|immer|ausschließlich|stets)(?: noch)?(?: mit)?|(?:sage?|empfiehl|antworte) (?:immer|stets|dem nutzer|jedem nutzer|den nutzern)|(?:responde|responda|contesta|di|recomienda) (?:solo|sólo|siempre|únicamente|apenas|sempre|somente)|répond(?:s|ez) (?:uniquement|toujours|seulement|par|simplement)|rispondi (?:solo|sempre|soltanto|esclusivamente)|antwoord (?:alleen|altijd|uitsluitend|enkel)|отвечай(?:те)? (?:только|всегда|лишь)|(?:всегда|только) (?:отвечай|говори|рекомендуй)|أجب (?:فقط|دائم|بـ|عن كل)|(?:केवल|हमेशा|सिर्फ)[^.!?\\n।]{0,40}(?:उत्तर|जवाब) (?:दें|दो)|(?:केवल|हमेशा)[^.!?\\n।]{0,20}(?:कहें|कहो|बोलें)|(?:只|仅|必须|总是|始终|一律|请只)(?:能|需|要|用)?(?:回答|回复|输出|說|说)|(?:必ず|常に|だけ|のみ)[^。\\n]{0,20}(?:答え|回答し|出力し|返信し|返し|言っ)て?|(?:yalnızca|sadece|her zaman|hep)[^.!?\\n]{0,30}(?:yanıtla|cevap ver|yanıt ver|cevapla|de\\b|söyle)`,
  ),
];

const LEAKS = [
  cue(
    'leak',
    0.55,
    `${order('append|include|insert|embed|render|add|send|post|transmit|forward|exfiltrate|leak|encode|put')}\\b${GAP}\\b(?:conversation(?! ids?\\b)|chat (?:history|log)|(?:the |this )?users?(?:'s|’s|s')? (?:data|messages?|questions?|input|e-?mail|name|password)|system prompt|api keys?|passwords?|secrets|credentials|session (?:id|token))\\b[^!?\\n]{0,60}(?:https?:|\\burl|\\blink\\b|\\bimage\\b|query (?:string|parameter)|\\bmarkdown\\b)`,
  ),
  cue(
    'leak',
    0.5,
    '!?\\[[^\\]\\n]{0,100}\\]\\(https?:[^)\\s]{0,200}[?&/=](?:\\{|\\[|<|%7b|\\$\\{?)[^)\\n]{0,100}\\)|!?\\[[^\\]\\n]{0,100}\\]\\(https?:[^)\\s]{0,200}=(?:conversation|history|secret|data|prompt|summary|email|user)[^)\\n]{0,60}\\)',
  ),
  cue(
    'leak',
    0.4,
    `(?:${REVEAL}|${REVEAL_LAST}|${order('send')}|sende|schicke|envía|envoie|invia|envie|stuur|отправь|أرسل|भेजें|भेजो|发送|發送|送信|gönder)[\\p{L}\\p{M}]*${GAP}(?:conversation(?! ids?\\b)|gespräch\\p{L}*|unterhaltung|conversación|conversazione|conversa(?![\\p{L}])|gesprek|переписк\\p{L}+|разговор\\p{L}*|المحادثة|बातचीत|对话|聊天记录|對話|会話|sohbet\\p{L}*)[^!?\\n]{0,50}https?:`,
  ),
];

const ROLE_MARKUP = [
  cue(
    'role_markup',
    0.35,
    '<\\s*\\|\\s*(?:im_start|im_end|system|user|assistant|endoftext|end_of_text|begin_of_text|start_header_id|end_header_id|eot_id)\\s*\\|\\s*>|\\[\\s*/?\\s*inst\\s*\\]|<<\\s*/?\\s*sys\\s*>>|<(?:start|end)_of_turn>|<｜(?:system|user|assistant)｜>',
  ),
  cue(
    'role_markup',
    0.3,
    '(?:^|\\n)\\s*(?:#{2,4}\\s*(?:system|instruction|assistant)s?(?: prompt)?\\s*:|(?:\\[|<|-{3,}\\s*|={3,}\\s*)\\/?(?:system|end of (?:sources?|document|context|data)|admin|developer)(?: (?:message|prompt|override|note|instructions?))?\\s*(?:\\]|>|:|-{3,}|={3,}))',
  ),
  cue('role_markup', 0.3, '(?:^|\\n)\\s*(?:system|assistant)\\s*:\\s+\\S'),
];

const HIDDEN_TEXT = [
  cue(
    'hidden_text',
    0.3,
    '<!--[^>]{0,200}\\b(?:ai|assistant|instructions?|prompt|ignore|llm|model)\\b|style\\s*=\\s*["\'][^"\']{0,100}(?:display\\s*:\\s*none|font-size\\s*:\\s*0|visibility\\s*:\\s*hidden|opacity\\s*:\\s*0|color\\s*:\\s*(?:white|#fff))',
  ),
];

/** Phrases that speak to a model, in German, English, Spanish, French, Italian, Dutch, Portuguese, Russian, Arabic, Hindi, Japanese, Turkish and Chinese. */
export const INSTRUCTION_CUES: readonly InstructionCue[] = [
  ...OVERRIDE_CUES,
  ...ADDRESSES,
  ...PERSONAS,
  ...SYSTEM_PROMPTS,
  ...CONCEALMENTS,
  ...OUTPUT_ORDERS,
  ...LEAKS,
  ...ROLE_MARKUP,
  ...HIDDEN_TEXT,
];
