// Writes the reviews that come with the lessons: train.tsv, validation.tsv, test.tsv and
// held_out.tsv in the folder given. `make reviews` runs it; the same files come out every time.
//
// The grammar: a review is a verdict, sometimes with a remark before or after it that says nothing.
// A verdict is
//   plain         "it is gripping from start to finish";
//   a contrast    two clauses, of which one does not count and one does:
//                 "it starts dull but the film as a whole is gripping";
//   a report      what others say, and whether they are right: "the critics call it dull and they
//                 are wrong";
//   an exchange   "i expected a mess and got a triumph".
// In every clause "gripping" may also be said as "not dull" or "anything but dull".
//
// But for the plain verdicts, good and bad words are equally frequent in good and bad reviews, so
// counting words is worth little (lesson 12, section 4, has the figure): one has to see which word
// is negated, and which clause counts.
//
// held_out.tsv has the contrasts, reports and exchanges that never occur in the other files. Each
// of their parts occurs there, but not together.

#include <gradus/files.h>
#include <gradus/random.h>

#include <cstdio>
#include <set>
#include <string>
#include <vector>

using namespace gradus;

using Words = std::vector<std::string>;

const Words good = {"wonderful", "gripping", "charming", "brilliant", "moving",    "clever",
                    "funny",     "fresh",    "elegant",  "warm",      "thrilling", "superb",
                    "tender",    "inspired", "honest",   "lively"};
const Words bad = {"dull",    "clumsy",  "boring",  "lifeless", "silly",    "stale",
                   "awful",   "tedious", "shallow", "messy",    "dreadful", "cold",
                   "pompous", "lazy",    "hollow",  "stupid"};
const Words good_noun = {"masterpiece", "triumph", "delight", "gem", "joy", "treat"};
const Words bad_noun = {"mess", "disaster", "bore", "failure", "chore", "waste"};

// [+] stands for a word that agrees with the verdict, [-] for one that says the opposite.
// A clause that does not count; * is what it says, the opposite of the verdict.
const Words weak = {"it starts *",
                    "the {part} is *",
                    "at first i thought it *",
                    "the posters made it look *",
                    "for an hour it is *",
                    "the first scenes are *",
                    "my {friend} expected it to be *",
                    "it sounds *"};
// A clause that counts; * is the verdict.
const Words strong = {"it ends *",
                      "the film as a whole is *",
                      "by the end i found it *",
                      "it turns out to be *",
                      "{film} is *",
                      "all in all it is *",
                      "i call it *",
                      "in my memory it is *"};
const Words contrasts = {"WEAK but STRONG",      "WEAK and yet STRONG", "although WEAK STRONG",
                         "STRONG although WEAK", "STRONG even if WEAK", "even if WEAK STRONG",
                         "WEAK and still STRONG"};

// Reports: * is what they say, which agrees with the verdict if they are right.
const Words right = {"{who} call it * and they are right", "{who} were right to call it *",
                     "believe those who call it *", "those who found it * are right",
                     "everybody says that it is * and so do i"};
const Words wrong = {"{who} call it * and they are wrong", "{who} were wrong to call it *",
                     "do not believe those who call it *", "those who found it * are wrong",
                     "everybody says that it is * but i do not"};

const Words plain = {"{film} is * from start to finish", "it is *", "what a film and how * it is",
                     "the {part} is * and so is the {part}", "i found it *"};

const Words exchanges = {"i expected a [-noun] and got a [+noun]",
                         "i got a [+noun] where i expected a [-noun]",
                         "i was promised a [-noun] but this is a [+noun]",
                         "this is a [+noun] and not the [-noun] that {who} promised",
                         "it is not the [-noun] that everyone called it but a [+noun]",
                         "instead of the [-noun] i expected it is a [+noun]"};

const Words films = {"winter harbour",  "the glass road",   "seven lanterns",   "the last orchard",
                     "paper tigers",    "a quiet engine",   "north of nowhere", "the tin crown",
                     "salt and silver", "the long sunday",  "green thunder",    "the clockmaker",
                     "letters to ida",  "the ninth bridge", "dust of june",     "the hollow coin"};
const Words parts = {"plot",   "acting", "music", "dialogue", "ending", "camera work",
                     "humour", "cast",   "story", "editing",  "pacing", "script"};
const Words people = {"the critics", "my neighbours", "the papers",  "my students",
                      "some people", "my colleagues", "the posters", "two reviewers"};
const Words friends = {"brother", "sister", "father", "mother", "aunt", "teacher", "neighbour"};

const Words remarks = {
    "we saw it on a rainy {day}",
    "i went with my {friend}",
    "it runs for two hours",
    "the cinema was half empty",
    "i had read the book before",
    "it is set in a small town by the sea",
    "the director has made three films before this one",
    "my {friend} had chosen the film",
    "we talked about the {part} on the way home",
    "it was shown on a {day} night",
    "most of it takes place in one house",
    "there is a train in nearly every scene",
};
const Words days = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};

const std::string& one_of(const Words& words, Random& random) {
  return words[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(words.size())))];
}

void replace(std::string& text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

// Replaces every slot of a pattern by a word that fits it.
std::string filled(std::string text, bool positive, Random& random) {
  const struct {
    std::string slot;
    const Words& words;
  } slots[] = {{"[+]", positive ? good : bad},
               {"[-]", positive ? bad : good},
               {"[+noun]", positive ? good_noun : bad_noun},
               {"[-noun]", positive ? bad_noun : good_noun},
               {"{film}", films},
               {"{part}", parts},
               {"{who}", people},
               {"{friend}", friends},
               {"{day}", days}};
  for (const auto& [slot, words] : slots)
    while (text.find(slot) != std::string::npos) replace(text, slot, one_of(words, random));
  return text;
}

// A clause that says [+], or [-] if not `agreeing`, plainly or by denying the opposite.
std::string said(std::string clause, bool agreeing, Random& random) {
  const std::string same = agreeing ? "[+]" : "[-]";
  const std::string opposite = agreeing ? "[-]" : "[+]";
  const Words ways = {same, same, "really " + same, "not " + opposite, "anything but " + opposite};
  replace(clause, "*", one_of(ways, random));
  return clause;
}

// Every fifth way to put parts together is for held_out.tsv alone. The factors see to it that each
// part occurs on both sides.
bool is_held_out(std::size_t a, std::size_t b, std::size_t c) {
  return (a + 2 * b + 3 * c) % 5 == 0;
}

std::size_t any_of(const Words& words, Random& random) {
  return static_cast<std::size_t>(random.below(static_cast<std::int64_t>(words.size())));
}

// A verdict with its slots still open, of the held-out kind or not.
std::string verdict(bool held_out, Random& random) {
  for (;;) {
    const auto kind = random.below(10);
    if (kind < 3 && !held_out) return said(one_of(plain, random), true, random);
    if (kind < 7) {
      const std::size_t w = any_of(weak, random);
      const std::size_t s = any_of(strong, random);
      const std::size_t c = any_of(contrasts, random);
      if (is_held_out(w, s, c) != held_out) continue;
      std::string text = contrasts[c];
      replace(text, "WEAK", said(weak[w], false, random));
      replace(text, "STRONG", said(strong[s], true, random));
      return text;
    }
    if (kind < 9) {
      const bool trusted = random.below(2) == 1;
      const std::size_t r = any_of(right, random);
      // Held out: the second way to report, where it is doubted, and the fourth, where it is not.
      if ((r == (trusted ? 3u : 1u)) != held_out) continue;
      return said(trusted ? right[r] : wrong[r], trusted, random);
    }
    const std::size_t e = any_of(exchanges, random);
    if ((e == 1) == held_out) return exchanges[e];
  }
}

std::string review(bool held_out, bool positive, Random& random) {
  std::string text;
  if (random.below(2)) text += one_of(remarks, random) + ". ";
  text += verdict(held_out, random) + ".";
  if (random.below(3) == 0) text += " " + one_of(remarks, random) + ".";
  return filled(text, positive, random);
}

// `count` reviews that were not written before, half of them good, one a line.
std::string lines(bool held_out, int count, Random& random, std::set<std::string>& written) {
  std::string result;
  for (int i = 0; i < count;) {
    const bool positive = i % 2 == 0;
    const std::string text = review(held_out, positive, random);
    if (!written.insert(text).second) continue;
    result += std::string(positive ? "1" : "0") + "\t" + text + "\n";
    ++i;
  }
  return result;
}

int main(int argc, char** argv) try {
  const std::string folder = argc > 1 ? argv[1] : "lessons/data";
  Random random(2024);
  std::set<std::string> written;
  write_file(folder + "/train.tsv", lines(false, 10000, random, written));
  write_file(folder + "/validation.tsv", lines(false, 1000, random, written));
  write_file(folder + "/test.tsv", lines(false, 1000, random, written));
  write_file(folder + "/held_out.tsv", lines(true, 1000, random, written));
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
