#include <gradus/files.h>
#include <gradus/text.h>

#include <algorithm>
#include <set>

namespace gradus {

std::string standardize(const std::string& text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const bool punctuation = (c >= '!' && c <= '/') || (c >= ':' && c <= '@') ||
                             (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
    if (punctuation) continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

std::vector<std::string> split_words(const std::string& text) {
  const char* white = " \t\n\v\f\r";
  std::vector<std::string> words;
  std::size_t begin = text.find_first_not_of(white);
  while (begin != std::string::npos) {
    const std::size_t end = text.find_first_of(white, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(white, end);
  }
  return words;
}

TextVectorizer::TextVectorizer(TextVectorizerOptions options, Where where) : options_(options) {
  if (options.max_tokens < 3)
    fail("TextVectorizer", where, "max_tokens must be at least 3: padding, unknown, and a word");
  if (options.max_length < 1) fail("TextVectorizer", where, "max_length must be at least 1");
}

std::vector<std::string> TextVectorizer::words_of(const std::string& text) const {
  std::vector<std::string> words = split_words(standardize(text));
  const std::size_t count = words.size();
  for (std::size_t i = 0; options_.bigrams && i + 1 < count; ++i)
    words.push_back(words[i] + " " + words[i + 1]);
  return words;
}

void TextVectorizer::adapt(const std::vector<std::string>& texts, Where where) {
  std::unordered_map<std::string, std::int64_t> counts;
  for (const std::string& text : texts)
    for (std::string& word : words_of(text)) ++counts[std::move(word)];
  if (counts.empty()) fail("adapt", where, "there is no word in the texts");
  std::vector<std::pair<std::string, std::int64_t>> ranked(counts.begin(), counts.end());
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> words{"", "[UNK]"};
  for (const auto& [word, count] : ranked)
    if (static_cast<int>(words.size()) < options_.max_tokens) words.push_back(word);
  set_vocabulary(std::move(words));
}

void TextVectorizer::set_vocabulary(std::vector<std::string> words) {
  number_.clear();
  for (std::size_t i = 2; i < words.size(); ++i) number_.emplace(words[i], static_cast<int>(i));
  vocabulary_ = std::move(words);
}

std::vector<int> TextVectorizer::encode(const std::string& text, Where where) const {
  if (vocabulary_.empty()) fail("encode", where, "there is no vocabulary yet: adapt() comes first");
  std::vector<int> ids;
  for (const std::string& word : words_of(text)) {
    if (static_cast<int>(ids.size()) == options_.max_length) break;
    const auto found = number_.find(word);
    ids.push_back(found == number_.end() ? 1 : found->second);
  }
  if (ids.empty()) fail("encode", where, "there is no word in the text \"", text, "\"");
  return ids;
}

std::string TextVectorizer::decode(const std::vector<int>& ids, Where where) const {
  std::string text;
  for (const int id : ids) {
    if (id < 0 || id >= static_cast<int>(vocabulary_.size()))
      fail("decode", where, "there is no word ", id, " in a vocabulary of ", vocabulary_.size());
    if (id > 0) text += (text.empty() ? "" : " ") + vocabulary_[static_cast<std::size_t>(id)];
  }
  return text;
}

// What save() writes and load() reads must be the same words, so both come by here.
std::vector<std::string> TextVectorizer::checked_vocabulary(const std::string& lines,
                                                            const std::string& path,
                                                            const Where& where) const {
  std::vector<std::string> words{"", "[UNK]"};
  std::set<std::string> seen;
  for (const std::string& word : lines_of(lines)) {
    const std::string line = path + ":" + std::to_string(words.size() - 1);
    check_utf8(word, line, where);
    const std::vector<std::string> parts = words_of(word);  // one word, or two and their pair
    if (parts.empty() || parts.back() != word)
      fail("vocabulary", where, line, ": no text gives the word \"", word, "\"");
    if (!seen.insert(word).second)
      fail("vocabulary", where, line, ": the word \"", word, "\" stands twice");
    words.push_back(word);
    if (static_cast<int>(words.size()) > options_.max_tokens)
      fail("vocabulary", where, line, ": max_tokens allows only ", options_.max_tokens - 2,
           " words");
  }
  if (words.size() == 2) fail("vocabulary", where, "there is no word in ", path);
  return words;
}

void TextVectorizer::save(const std::string& path, Where where) const {
  std::string lines;
  for (std::size_t i = 2; i < vocabulary_.size(); ++i) lines += vocabulary_[i] + "\n";
  if (checked_vocabulary(lines, path, where) != vocabulary_)
    fail("vocabulary", where, "the first word begins with a byte order mark");
  write_file(path, lines, where);
}

void TextVectorizer::load(const std::string& path, Where where) {
  set_vocabulary(checked_vocabulary(read_file(path, 100'000'000, where), path, where));
}

}  // namespace gradus
