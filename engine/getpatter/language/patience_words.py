"""What unfinished speech sounds like, by language.  Another language is another table here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from getpatter.language.words import phrase_list


@dataclass(frozen=True, slots=True)
class PatienceWords:
    """All phrases as people write them; capitals and hyphens do not matter."""

    holds: tuple[str, ...]
    """Ask us to wait, at the end of what was said."""
    short_holds: tuple[str, ...]
    """Do so only where they stand alone or after short answers: "it takes one minute" does not."""
    searches: tuple[str, ...]
    """Say that the caller goes to look for something, whatever follows."""
    fillers: tuple[str, ...]
    """Hold the turn while the speaker thinks."""
    open_ends: tuple[str, ...]
    """Conjunctions, prepositions, articles: no sentence ends with them."""
    closed_ends: tuple[str, ...]
    """Ends that look open or like a filler, and are not."""
    question_starts: tuple[str, ...]
    stranded: tuple[str, ...]
    """What a clause that starts with one of these may end with: "where are you from"."""
    number_follows: tuple[str, ...]
    """Announce digits."""
    finished: tuple[str, ...]
    """Short answers that need nothing more, alone or one after the other."""
    digits: Mapping[str, int]
    """Words that numbers are read out with, and how many digits each adds."""
    spelling: tuple[str, ...]
    """Stand between a letter and its example: "B as in"."""
    phone_digits: frozenset[int]
    """Lengths of complete telephone numbers, without and with what stands before them abroad."""


def _digits(units: str, teens: str = "", tens: str = "", hundreds: str = "") -> dict[str, int]:
    """Tens count one, as the unit after them does; a ten without a unit comes out one short."""
    found = dict.fromkeys(units.split(), 1) | dict.fromkeys(teens.split(), 2) | dict.fromkeys(tens.split(), 1)
    return found | dict.fromkeys(hundreds.split(), 2)


ENGLISH = PatienceWords(
    holds=phrase_list(
        """hold on, hold on a second, hold on a minute, hold on a moment, hang on, hang on a second, hang on a minute,
        just a moment, just a second, just a sec, just a minute, give me a second, give me a sec, give me a minute,
        give me a moment, wait a second, wait a minute, wait a moment, bear with me, be right back,
        a moment please, one moment please, one second please, one minute please, hold please, hold on please"""
    ),
    short_holds=phrase_list(
        "one moment, one second, one sec, one minute, two seconds, two minutes, a moment, a second"
    ),
    searches=phrase_list(
        """let me check, let me look, let me find, let me get, let me grab, let me go get, let me pull up, let me ask,
        let me see if, let me open, let me log in, i'm looking for my, i'm just looking, i need to find my,
        while i look, while i find, while i get, while i check"""
    ),
    fillers=phrase_list(
        """um, uh, uhm, umm, uhh, er, erm, hmm, let me see, let me think, let's see, i mean, you know, how do i say,
        what was it, what's it called, what do you call it, kind of, sort of, something like, so, basically, actually"""
    ),
    open_ends=phrase_list(
        """and, or, but, because, cause, if, although, unless, until, whether, while, since, which, than,
        to, the, a, an, my, your, our, their, of, for, with, from, at, by, about, into, on, in, between, per, as, every,
        name is, address is, problem is, thing is, question is, reason is, issue is, email is, date is, birthday is,
        i'm, i'll, i'd, i've, you're, we're, they're, we'll, he's, she's, it's, that's, there's, what's,
        i would like, i'd like, i want, i need, i was wondering, looking for, and i, but i, because i, if i, when i,
        then i, that i, and then, so that, such as, for example, dot, underscore, at the, also i"""
    ),
    closed_ends=phrase_list(
        """come in, log in, logged in, sign in, fill in, check in, move in, coming in, put in, come on, go on, carry on,
        later on, and so on, from now on, going on, turned on, i think so, think so, hope so, guess so, believe so,
        say so, or so, do so, even so, as you know, you know what i mean, did you know, do you know, yes it is,
        i think it is, no it's, it is, it was, they are, we are, you are, there is, i think i was, love to,
        not to, don't want to, used to, have to, need to, supposed to, paid for, asked for, looked at,
        i'd love to, i'd like to, so do i, can i, should i, do i, am i, not actually, yes actually, a while,
        what i want, what i need, all i want, all i need, turn it on, turn that on, turn this on, turn them on,
        switch it on, put it on, try it on, put it in, fill it in, type it in, let me in, log me in"""
    ),
    question_starts=phrase_list(
        """who, whose, what, what's, where, where's, which, how, is that what, is this what, that's what, that is what,
        this is what, it's what, that's all, that's the one, it's the one, that's who, that's where"""
    ),
    stranded=phrase_list("to, of, for, with, from, at, by, about, into, on, in, is, are, was, like"),
    number_follows=phrase_list(
        """number is, code is, zip is, pin is, id is, digits are, ends in, ending in, it's area code,
        area code, extension, reach me at, call me at, call me back at, call me on, reach me on, starts with"""
    ),
    finished=phrase_list(
        """yes, yeah, yep, yup, no, nope, nah, sure, okay, ok, right, correct, exactly, absolutely, definitely,
        of course, please, thanks, thank you, thank you very much, thanks a lot, goodbye, bye, bye bye, good bye,
        have a good day, have a nice day, you too, that's all, that's it, that's right, that's correct, that's fine,
        sounds good, fine, great, perfect, good, not really, i don't know, i'm not sure, i don't think so, i think so,
        hello, hi, it is, i am, i do, i did, i don't, it's not, not yet, never mind, neither, both, either, none,
        got it,
        i see, all right, alright, that works, go ahead, ma'am, sir"""
    ),
    digits=_digits(
        "zero oh o one two three four five six seven eight nine double",
        "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen triple hundred",
        "twenty thirty forty fifty sixty seventy eighty ninety",
    ),
    spelling=phrase_list("as in, like, for, as in the word"),
    phone_digits=frozenset({10, 11}),
)

SPANISH = PatienceWords(
    holds=phrase_list(
        """espere un momento, espera un momento, deme un segundo, dame un segundo, deme un momento,
        un momento por favor,
        espere por favor, permítame un momento, ahora vuelvo, no cuelgue"""
    ),
    short_holds=phrase_list("un momento, un momentito, un segundo, un minuto, espera, espere"),
    searches=phrase_list("déjeme ver si, déjame ver si, déjeme buscar, déjame buscar, voy a buscar, lo busco"),
    fillers=phrase_list("eh, em, este, pues, a ver, déjame ver, déjeme ver, cómo se dice, o sea, bueno pues, mmm"),
    open_ends=phrase_list(
        """y, e, o, u, pero, porque, que, si, aunque, cuando, como, mientras, de, del, a, al, en, con, por, para, sin,
        sobre, desde, hasta, entre, el, la, los, las, un, una, unos, unas, mi, su, tu, mis, sus, es, quiero, quisiera,
        necesito, me gustaría, arroba, punto, guion"""
    ),
    closed_ends=phrase_list("creo que si, sí que si, lo que es, así es, eso es, no sé que"),
    question_starts=(),
    stranded=(),
    number_follows=phrase_list(
        "número es, número es el, código es, teléfono es, teléfono es el, termina en, al número"
    ),
    finished=phrase_list(
        """sí, no, claro, vale, ok, okay, bueno, correcto, exacto, de acuerdo, por favor, gracias, muchas gracias,
        no gracias, adiós, hasta luego, eso es todo, nada más, está bien, perfecto, no sé, creo que sí, creo que no,
        hola"""
    ),
    digits=_digits(
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veintiuno veintidós veintitrés "
        "veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve veinte",
        "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    ),
    spelling=phrase_list("de, como"),
    phone_digits=frozenset({9, 10, 11, 12}),
)

GERMAN = PatienceWords(
    holds=phrase_list(
        """einen moment, einen moment bitte, moment mal, moment bitte, kleinen moment, einen augenblick, warten sie mal,
        warten sie bitte, warte mal, bleiben sie dran, eine sekunde bitte"""
    ),
    short_holds=phrase_list("moment, sekunde, eine sekunde, eine minute, augenblick"),
    searches=phrase_list("ich schau mal, ich schaue mal, ich suche, ich muss mal schauen, ich hole mal, ich gucke mal"),
    fillers=phrase_list("äh, ähm, hm, öh, also, na ja, naja, mal sehen, mal überlegen, wie heißt das, sozusagen, tja"),
    open_ends=phrase_list(
        """und, oder, aber, weil, dass, wenn, ob, obwohl, denn, sondern, als, wie, der, die, das, den, dem, des, ein,
        eine, einen, einem, einer, mein, meine, meinen, ihr, ihre, zu, zum, zur, von, vom, für, ohne, bei, beim, nach,
        in, im, am, ist, sind, ich, ich möchte, ich hätte gern, ich hätte gerne, ich brauche, ich will, punkt"""
    ),
    closed_ends=phrase_list("ich auch, ist das, stimmt das, wer ist das, was ist das, bin ich, warum das, wie das"),
    question_starts=(),
    stranded=(),
    number_follows=phrase_list("nummer ist, nummer ist die, nummer lautet, code ist, vorwahl, endet auf, null eins"),
    finished=phrase_list(
        """ja, nein, nee, doch, genau, richtig, stimmt, okay, ok, gut, klar, gerne, bitte, danke, danke schön,
        vielen dank,
        nein danke, ja bitte, tschüss, auf wiederhören, auf wiedersehen, das ist alles, das wars, das war's, passt,
        in ordnung, alles klar, weiß nicht, ich weiß nicht, keine ahnung, hallo, guten tag"""
    ),
    digits=_digits("null eins ein zwei zwo drei vier fünf sechs sieben acht neun doppel", "zehn elf zwölf zwanzig"),
    spelling=phrase_list("wie, wie in"),
    phone_digits=frozenset(range(10, 15)),
)

FRENCH = PatienceWords(
    holds=phrase_list(
        """un petit instant, attendez une seconde, attendez un instant, ne quittez pas, patientez, je reviens,
        un instant s'il vous plaît, une seconde s'il vous plaît"""
    ),
    short_holds=phrase_list("une seconde, une minute, deux secondes, un instant, un moment, attendez, attends"),
    searches=phrase_list("je vais chercher, je cherche, laissez-moi vérifier, laissez-moi regarder, je regarde"),
    fillers=phrase_list("euh, heu, ben, bah, hum, alors, voyons, voyons voir, comment dire, enfin, c'est-à-dire, donc"),
    open_ends=phrase_list(
        """et, ou, mais, parce que, car, que, qui, si, quand, comme, lorsque, puisque, de, du, des, à, au, aux, en,
        dans,
        avec, sans, pour, par, sur, sous, chez, entre, le, la, les, un, une, mon, ma, mes, votre, vos, son, sa, ses,
        est, c'est, je, j'ai, je suis, je voudrais, je veux, j'aimerais, il y a, arobase, point, tiret"""
    ),
    closed_ends=phrase_list("ben oui, alors oui, je suis pour, qu'est-ce que c'est, ce que c'est, oui c'est"),
    question_starts=(),
    stranded=(),
    number_follows=phrase_list(
        "numéro est, numéro est le, numéro c'est le, c'est le, code est, se termine par, au zéro"
    ),
    finished=phrase_list(
        """oui, ouais, non, si, d'accord, ok, okay, bien sûr, exactement, exact, c'est ça, voilà, s'il vous plaît,
        merci,
        merci beaucoup, non merci, oui merci, au revoir, bonne journée, c'est tout, c'est bon, parfait, très bien,
        je ne sais pas, je sais pas, pas vraiment, bonjour, allô, tout à fait"""
    ),
    digits=_digits(
        "zéro un deux trois quatre cinq six sept huit neuf",
        "dix onze douze treize quatorze quinze seize",
        "vingt trente quarante cinquante soixante",
    ),
    spelling=phrase_list("comme"),
    phone_digits=frozenset({10, 11, 12}),
)

ITALIAN = PatienceWords(
    holds=phrase_list(
        """aspetti un attimo, aspetta un attimo, mi dia un secondo, un attimo per favore, un attimino, attenda,
        torno subito, resti in linea"""
    ),
    short_holds=phrase_list("un attimo, un momento, un secondo, un minuto, aspetti, aspetta"),
    searches=phrase_list(
        "mi faccia controllare, fammi vedere se, mi faccia vedere, lo cerco, vado a prendere, controllo"
    ),
    fillers=phrase_list("eh, ehm, mah, allora, dunque, cioè, vediamo, come si dice, diciamo, insomma, beh"),
    open_ends=phrase_list(
        """e, ed, o, ma, però, perché, che, se, quando, come, mentre, anche se, di, del, della, a, al, alla, da, dal,
        in, nel, nella, con, su, per, tra, fra, il, lo, la, i, gli, le, un, uno, una, mio, mia, suo, sua, è,
        vorrei, voglio, ho bisogno di, chiocciola, punto, trattino"""
    ),
    closed_ends=phrase_list("com'è, cos'è, chi è, penso di, va be"),
    question_starts=(),
    stranded=(),
    number_follows=phrase_list("numero è, numero è il, codice è, finisce con, telefono è, al numero"),
    finished=phrase_list(
        """sì, no, certo, va bene, ok, okay, esatto, giusto, d'accordo, per favore, grazie, grazie mille, no grazie,
        sì grazie, arrivederci, ciao, buona giornata, è tutto, basta così, perfetto, non lo so, credo di sì, pronto"""
    ),
    digits=_digits(
        "zero uno due tre quattro cinque sei sette otto nove",
        "dieci undici dodici tredici quattordici quindici sedici venti trenta quaranta cinquanta sessanta settanta",
    ),
    spelling=phrase_list("come"),
    phone_digits=frozenset({9, 10, 11, 12}),
)

PORTUGUESE = PatienceWords(
    holds=phrase_list(
        """só um momento, só um minuto, só um minutinho, só um segundo, espera aí, peraí, aguarde um momento,
        um momento por favor, já volto"""
    ),
    short_holds=phrase_list("um momento, um minuto, um segundo, um instante, espera, espere"),
    searches=phrase_list("deixa eu ver se, deixe-me ver se, vou procurar, vou buscar, deixa eu procurar, vou pegar"),
    fillers=phrase_list("é, hum, éh, então, tipo, deixa eu ver, deixe-me ver, como se diz, quer dizer, ora, pois"),
    open_ends=phrase_list(
        """e, ou, mas, porque, que, se, quando, como, enquanto, embora, de, do, da, dos, das, a, ao, à, em, no, na, com,
        sem, por, para, pra, sobre, até, entre, o, os, as, um, uma, meu, minha, seu, sua, eu, eu quero, eu queria,
        gostaria de, preciso de, arroba, ponto, hífen"""
    ),
    closed_ends=phrase_list("acho que é, isso é, não é, o que é, é isso é, pois é"),
    question_starts=(),
    stranded=(),
    number_follows=phrase_list("número é, número é o, código é, telefone é, termina em, meu cpf é"),
    finished=phrase_list(
        """sim, não, claro, tá, tá bom, está bem, ok, okay, certo, isso, isso mesmo, exato, por favor, obrigado,
        obrigada,
        muito obrigado, não obrigado, tchau, até logo, adeus, é só isso, só isso, perfeito, beleza, não sei,
        acho que sim,
        acho que não, alô, oi, olá, pois é, é"""
    ),
    digits=_digits(
        "zero um uma dois duas três quatro cinco seis meia sete oito nove",
        "dez onze doze treze catorze quatorze quinze dezesseis dezessete dezoito dezenove",
        "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    ),
    spelling=phrase_list("de"),
    phone_digits=frozenset({9, 10, 11, 12, 13}),
)

PATIENCE_WORDS: Mapping[str, PatienceWords] = {
    "en": ENGLISH,
    "es": SPANISH,
    "de": GERMAN,
    "fr": FRENCH,
    "it": ITALIAN,
    "pt": PORTUGUESE,
}
"""By primary language."""

NO_WORDS = PatienceWords((), (), (), (), (), (), (), (), (), (), {}, (), frozenset())
"""Of a language without a table: numerals, single letters and punctuation still tell something."""
