// Writes the English sentences and their Spanish translations that come with the lessons:
// pairs_train.tsv, pairs_validation.tsv, pairs_test.tsv and pairs_held_out.tsv in the folder given.
// `make pairs` runs it; the same files come out every time. A line is "English<TAB>Spanish".
//
// The grammar says what a translator has to know:
//   order       "the red house" is "la casa roja": the adjective comes after its noun
//   agreement   article and adjective follow the noun in gender and number: "los libros rojos"
//   pronouns    "we buy" is "compramos": the pronoun is dropped, the verb's ending says who it is,
//               and in "she is tall", "es alta", the adjective alone still tells
//   negation    "she does not buy" is "no compra"
//   liking      "i like the house" is "me gusta la casa": what is liked is the subject, comes last,
//               and the verb follows it: "me gustan las casas"
//   a, de       "i see the man" is "veo al hombre": who is seen gets an "a", and "a el" is "al"; as
//               "cerca de el" is "cerca del"
// An English sentence has one translation. (Real Spanish is richer: some adjectives come first.)
//
// pairs_held_out.tsv has an adjective with a noun that never stand together in the other files.
// Each of the two words occurs there, with others.

#include <gradus/files.h>
#include <gradus/random.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

using namespace gradus;

using std::string;

struct Noun {
  string english, spanish;
  bool feminine;
  string english_plural = english + "s";
};
const std::vector<Noun> things = {
    {"house", "casa", true},      {"book", "libro", false},       {"table", "mesa", true},
    {"car", "coche", false},      {"door", "puerta", true},       {"tree", "árbol", false},
    {"window", "ventana", true},  {"train", "tren", false},       {"chair", "silla", true},
    {"hat", "sombrero", false},   {"flower", "flor", true},       {"boat", "barco", false},
    {"shirt", "camisa", true},    {"mirror", "espejo", false},    {"lamp", "lámpara", true},
    {"garden", "jardín", false},  {"box", "caja", true, "boxes"}, {"clock", "reloj", false},
    {"guitar", "guitarra", true}, {"bridge", "puente", false}};
const std::vector<Noun> people = {{"woman", "mujer", true, "women"},
                                  {"man", "hombre", false, "men"},
                                  {"girl", "niña", true},
                                  {"boy", "niño", false},
                                  {"teacher", "maestra", true},
                                  {"doctor", "médico", false},
                                  {"sister", "hermana", true},
                                  {"brother", "hermano", false},
                                  {"neighbour", "vecina", true},
                                  {"friend", "amigo", false}};
const std::vector<Noun> places = {{"kitchen", "cocina", true},   {"market", "mercado", false},
                                  {"station", "estación", true}, {"park", "parque", false},
                                  {"school", "escuela", true},   {"river", "río", false}};

struct Adjective {
  string english, spanish;  // of one masculine noun
};
const std::vector<Adjective> of_things = {
    {"red", "rojo"},      {"white", "blanco"},   {"black", "negro"},  {"green", "verde"},
    {"blue", "azul"},     {"new", "nuevo"},      {"old", "viejo"},    {"big", "grande"},
    {"small", "pequeño"}, {"expensive", "caro"}, {"cheap", "barato"}, {"pretty", "bonito"}};
const std::vector<Adjective> of_people = {
    {"tall", "alto"}, {"serious", "serio"}, {"happy", "feliz"},   {"poor", "pobre"},
    {"rich", "rico"}, {"strong", "fuerte"}, {"famous", "famoso"}, {"shy", "tímido"}};

// The endings of i, you, he or she, we, they.
struct Verb {
  string english, third;
  string spanish[5];
};
const std::vector<Verb> with_things = {
    {"see", "sees", {"veo", "ves", "ve", "vemos", "ven"}},
    {"buy", "buys", {"compro", "compras", "compra", "compramos", "compran"}},
    {"want", "wants", {"quiero", "quieres", "quiere", "queremos", "quieren"}},
    {"sell", "sells", {"vendo", "vendes", "vende", "vendemos", "venden"}},
    {"wash", "washes", {"lavo", "lavas", "lava", "lavamos", "lavan"}},
    {"paint", "paints", {"pinto", "pintas", "pinta", "pintamos", "pintan"}},
    {"have", "has", {"tengo", "tienes", "tiene", "tenemos", "tienen"}},
    {"look for", "looks for", {"busco", "buscas", "busca", "buscamos", "buscan"}}};
const std::vector<Verb> with_people = {
    {"see", "sees", {"veo", "ves", "ve", "vemos", "ven"}},
    {"help", "helps", {"ayudo", "ayudas", "ayuda", "ayudamos", "ayudan"}},
    {"wait for", "waits for", {"espero", "esperas", "espera", "esperamos", "esperan"}},
    {"visit", "visits", {"visito", "visitas", "visita", "visitamos", "visitan"}},
    {"look for", "looks for", {"busco", "buscas", "busca", "buscamos", "buscan"}}};
const Verb to_be = {"be", "is", {"soy", "eres", "es", "somos", "son"}};
const char* const english_be[] = {"am", "are", "is", "are", "are"};

template <class T>
const T& one_of(const std::vector<T>& items, Random& random) {
  return items[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(items.size())))];
}

bool ends_in(const string& word, const string& end) {
  return word.size() >= end.size() && word.substr(word.size() - end.size()) == end;
}

// libro: libros, flor: flores, feliz: felices; an accent on the last syllable goes: jardín,
// jardines.
string plural_of(const string& word) {
  if (ends_in(word, "z")) return word.substr(0, word.size() - 1) + "ces";
  if (ends_in(word, "ín")) return word.substr(0, word.size() - 3) + "ines";
  if (ends_in(word, "ón")) return word.substr(0, word.size() - 3) + "ones";
  const bool vowel = string("aeiou").find(word.back()) != string::npos;
  return word + (vowel ? "s" : "es");
}

// rojo: roja, rojos, rojas; verde and azul have no gender.
string agreeing(string word, bool feminine, bool plural) {
  if (feminine && word.back() == 'o') word.back() = 'a';
  return plural ? plural_of(word) : word;
}

// Something that is said in both languages, and what must agree with it.
struct Phrase {
  string english, spanish;
  int person = 2;  // 0 i, 1 you, 2 he, she, it, 3 we, 4 they
  bool feminine = false;
  bool held_out = false;  // it has an adjective and a noun that the others must not have together
};
bool is_plural(const Phrase& phrase) {
  return phrase.person >= 3;
}

// "a el" and "de el" become one word.
string contracted(const string& first, const string& then) {
  const bool contracts = (ends_in(first, " de") || first == "a") && then.substr(0, 3) == "el ";
  return contracts ? first + then.substr(1) : first + " " + then;
}

// Every fifth way to put an adjective to a noun is held out.
template <class T>
bool is_held_out(const std::vector<T>& nouns, const Noun& noun,
                 const std::vector<Adjective>& adjectives, const Adjective& adjective) {
  return (&noun - nouns.data() + 2 * (&adjective - adjectives.data())) % 5 == 0;
}

// "two", "dos" and so on, before an adjective or noun `next`.
Phrase determiner(const string& next, bool feminine, bool plural, Random& random) {
  const auto kind = random.below(plural ? 5 : 4);
  const auto form = [&](const string& word) { return agreeing(word, feminine, plural); };
  const bool vowel = string("aeiou").find(next[0]) != string::npos;
  if (kind == 0) return {"my", plural ? "mis" : "mi"};
  if (kind == 1)
    return {plural ? "these" : "this", plural ? form("esto") : feminine ? "esta" : "este"};
  if (kind == 2 && plural) return {"two", "dos"};
  if (kind == 2) return {vowel ? "an" : "a", feminine ? "una" : "un"};
  return {"the", plural ? (feminine ? "las" : "los") : feminine ? "la" : "el"};
}

// "the red house": a noun, often with an adjective.
Phrase noun_phrase(const std::vector<Noun>& nouns, const std::vector<Adjective>& adjectives,
                   Random& random) {
  const Noun& noun = one_of(nouns, random);
  const bool plural = random.below(3) == 0;
  string english = plural ? noun.english_plural : noun.english;
  string spanish = plural ? plural_of(noun.spanish) : noun.spanish;
  bool held_out = false;
  if (random.below(3) > 0) {
    const Adjective& adjective = one_of(adjectives, random);
    held_out = is_held_out(nouns, noun, adjectives, adjective);
    english = adjective.english + " " + english;
    spanish += " " + agreeing(adjective.spanish, noun.feminine, plural);
  }
  const Phrase before = determiner(english, noun.feminine, plural, random);
  return {before.english + " " + english, before.spanish + " " + spanish, plural ? 4 : 2,
          noun.feminine, held_out};
}

// A pronoun, which Spanish drops, or a person.
Phrase subject(Random& random) {
  const std::vector<Phrase> pronouns = {{"i", "", 0},         {"you", "", 1}, {"he", "", 2},
                                        {"she", "", 2, true}, {"we", "", 3},  {"they", "", 4}};
  return random.below(3) > 0 ? one_of(pronouns, random) : noun_phrase(people, of_people, random);
}

string with_space(const string& text) {
  return text.empty() ? "" : text + " ";
}

// "she does not buy", "no compra".
Phrase doing(const Phrase& who, const Verb& verb, bool negated) {
  const bool third = who.person == 2;
  const string& said = third && !negated ? verb.third : verb.english;
  const string denied = !negated ? "" : third ? "does not " : "do not ";
  return {who.english + " " + denied + said,
          with_space(who.spanish) + (negated ? "no " : "") + verb.spanish[who.person]};
}

// "the woman does not buy the red house", "la mujer no compra la casa roja".
Phrase action(Random& random) {
  const Phrase who = subject(random);
  const bool negated = random.below(4) == 0;
  const bool person = random.below(4) == 0;
  const Phrase what =
      person ? noun_phrase(people, of_people, random) : noun_phrase(things, of_things, random);
  const Phrase does = doing(who, one_of(person ? with_people : with_things, random), negated);
  return {does.english + " " + what.english,
          does.spanish + " " + (person ? contracted("a", what.spanish) : what.spanish), 2, false,
          who.held_out || what.held_out};
}

// "the houses are not red", "las casas no son rojas".
Phrase being(Random& random) {
  const bool person = random.below(2) == 0;
  const Phrase who = person ? subject(random) : noun_phrase(things, of_things, random);
  const Adjective& adjective = one_of(person ? of_people : of_things, random);
  const bool negated = random.below(4) == 0;
  return {
      who.english + " " + english_be[who.person] + (negated ? " not " : " ") + adjective.english,
      with_space(who.spanish) + (negated ? "no " : "") + to_be.spanish[who.person] + " " +
          agreeing(adjective.spanish, who.feminine, is_plural(who)),
      2, false, who.held_out};
}

// "the man likes the houses", "al hombre le gustan las casas".
Phrase liking(Random& random) {
  const char* const whom[] = {"me", "te", "le", "nos", "les"};
  const Phrase who = subject(random);
  const Phrase what = noun_phrase(things, of_things, random);
  const bool negated = random.below(4) == 0;
  const Phrase likes = doing(who, {"like", "likes", {}}, negated);
  const string first = who.spanish.empty() ? "" : contracted("a", who.spanish) + " ";
  return {likes.english + " " + what.english,
          first + (negated ? "no " : "") + whom[who.person] +
              (is_plural(what) ? " gustan " : " gusta ") + what.spanish,
          2, false, who.held_out || what.held_out};
}

// "near the river", "cerca del río".
Phrase place(Random& random) {
  const std::vector<Phrase> ways = {{"in", "en"}, {"near", "cerca de"}, {"behind", "detrás de"}};
  const Phrase& way = one_of(ways, random);
  const Noun& noun = one_of(places, random);
  return {" " + way.english + " the " + noun.english,
          " " + contracted(way.spanish, (noun.feminine ? "la " : "el ") + noun.spanish)};
}

Phrase clause(Random& random) {
  const auto kind = random.below(6);
  if (kind == 0) return liking(random);
  if (kind == 1) return being(random);
  Phrase said = action(random);
  if (random.below(3) > 0) return said;
  const Phrase where = place(random);
  said.english += where.english;
  said.spanish += where.spanish;
  return said;
}

Phrase sentence(Random& random) {
  const std::vector<Phrase> words = {
      {" and ", " y "}, {" but ", " pero "}, {" because ", " porque "}};
  const Phrase first = clause(random);
  if (random.below(4) > 0) return first;
  const Phrase second = clause(random);
  const Phrase& word = one_of(words, random);
  return {first.english + word.english + second.english,
          first.spanish + word.spanish + second.spanish, 2, false,
          first.held_out || second.held_out};
}

// `count` pairs that were not written before, one a line.
string lines(bool held_out, int count, Random& random, std::set<string>& written) {
  string result;
  for (int i = 0; i < count;) {
    const Phrase said = sentence(random);
    if (said.held_out != held_out || !written.insert(said.english).second) continue;
    result += said.english + "\t" + said.spanish + "\n";
    ++i;
  }
  return result;
}

int main(int argc, char** argv) try {
  const string folder = argc > 1 ? argv[1] : "lessons/data";
  Random random(2025);
  std::set<string> written;
  write_file(folder + "/pairs_train.tsv", lines(false, 10000, random, written));
  write_file(folder + "/pairs_validation.tsv", lines(false, 1000, random, written));
  write_file(folder + "/pairs_test.tsv", lines(false, 1000, random, written));
  write_file(folder + "/pairs_held_out.tsv", lines(true, 1000, random, written));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
