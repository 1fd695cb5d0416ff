#include <gradus/byte_pairs.h>
#include <gradus/files.h>
#include <gradus/random.h>

#include <algorithm>
#include <queue>
#include <sstream>
#include <tuple>

namespace gradus {

namespace {

using Pair = BytePairEncoding::Pair;
using Numbers = std::vector<int>;

constexpr std::size_t longest_piece = 64;

std::uint64_t key(Pair pair) {
  return static_cast<std::uint64_t>(pair.first) << 32 | static_cast<std::uint32_t>(pair.second);
}

int kind_of(char c) {
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 0;
  if (c >= '0' && c <= '9') return 1;
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) ? 2 : 3;
}

// Put together, they are the text.
std::vector<std::string> pieces_of(const std::string& text) {
  std::vector<std::string> pieces;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end += text[begin] == ' ' && begin + 1 < text.size();
    const int kind = kind_of(text[end]);
    while (end < text.size() && kind_of(text[end]) == kind && end - begin < longest_piece) ++end;
    pieces.push_back(text.substr(begin, end - begin));
  }
  return pieces;
}

Numbers bytes_of(const std::string& piece, int first_byte) {
  Numbers ids;
  for (const char c : piece) ids.push_back(first_byte + static_cast<unsigned char>(c));
  return ids;
}

// `id` for every `pair`, from the left.
Numbers merged(const Numbers& ids, Pair pair, int id) {
  Numbers result;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool both = i + 1 < ids.size() && Pair(ids[i], ids[i + 1]) == pair;
    result.push_back(both ? id : ids[i]);
    i += both;
  }
  return result;
}

// Every different piece of the texts with its count, and for every pair of neighbours how often it
// occurs and in which pieces. So a merge visits only pieces that have the pair, not the texts.
class PairIndex {
 public:
  PairIndex(const std::vector<std::string>& texts, int first_byte) {
    std::unordered_map<std::string, std::int64_t> counts;
    for (const std::string& text : texts)
      for (std::string& piece : pieces_of(text)) ++counts[std::move(piece)];
    for (const auto& [piece, count] : counts) {  // in the order of the hash, which decides nothing
      pieces_.push_back({bytes_of(piece, first_byte), count});
      change_counts(pieces_.size() - 1, 1);
    }
    queue_changed();
  }

  // The most frequent pair; false if none occurs twice. Entries with an old count are left out.
  bool best(Pair& pair) {
    for (; !queue_.empty(); queue_.pop()) {
      const auto [count, first, second] = queue_.top();
      pair = {-first, -second};
      if (count == places_[key(pair)].count) return count > 1;
    }
    return false;
  }

  void merge(Pair pair, int id) {
    std::vector<std::size_t> where = std::move(places_[key(pair)].pieces);
    std::sort(where.begin(), where.end());
    where.erase(std::unique(where.begin(), where.end()), where.end());
    for (const std::size_t piece : where) {
      change_counts(piece, -1);
      pieces_[piece].ids = merged(pieces_[piece].ids, pair, id);
      change_counts(piece, 1);
    }
    queue_changed();
  }

 private:
  void change_counts(std::size_t piece, int sign) {
    const Numbers& ids = pieces_[piece].ids;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      Places& places = places_[key({ids[i], ids[i + 1]})];
      places.count += sign * pieces_[piece].count;
      if (sign > 0) places.pieces.push_back(piece);
      changed_.push_back({ids[i], ids[i + 1]});
    }
  }
  void queue_changed() {
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const auto& [a, b] : changed_) queue_.push({places_[key({a, b})].count, -a, -b});
    changed_.clear();
  }

  struct Piece {
    Numbers ids;
    std::int64_t count;
  };
  struct Places {
    std::int64_t count = 0;
    std::vector<std::size_t> pieces;  // some twice, some that have it no more
  };
  std::vector<Piece> pieces_;
  std::vector<Pair> changed_;
  std::unordered_map<std::uint64_t, Places> places_;
  std::priority_queue<std::tuple<std::int64_t, int, int>> queue_;  // count, minus the ids
};

}  // namespace

BytePairEncoding::BytePairEncoding(const std::vector<std::string>& special, Where where) {
  tokens_ = {""};
  for (const std::string& name : special) {
    if (name.find_first_of("\r\n") != std::string::npos ||
        std::find(tokens_.begin(), tokens_.end(), name) != tokens_.end())
      fail("BytePairEncoding", where,
           "special tokens need names that are lines and different, not \"" + name + "\"");
    tokens_.push_back(name);
  }
  for (int byte = 0; byte < 256; ++byte) tokens_.push_back({static_cast<char>(byte)});
}

bool BytePairEncoding::add(Pair pair) {
  const auto there = [&](int id) { return id >= first_byte() && id < size(); };
  if (!there(pair.first) || !there(pair.second)) return false;
  const std::string token = tokens_[static_cast<std::size_t>(pair.first)] +
                            tokens_[static_cast<std::size_t>(pair.second)];
  if (token.size() > longest_piece || !learned_.emplace(key(pair), size()).second) return false;
  tokens_.push_back(token);
  pairs_.push_back(pair);
  return true;
}

void BytePairEncoding::forget() {
  tokens_.resize(tokens_.size() - pairs_.size());
  pairs_.clear();
  learned_.clear();
}

void BytePairEncoding::train(const std::vector<std::string>& texts, int most, Where where) {
  const int start = first_byte() + 256;
  if (most < start)
    fail("BytePairEncoding::train", where, "padding, special tokens and bytes are ", start,
         " ids; at most ", most, " is too few");
  forget();
  PairIndex index(texts, first_byte());
  for (Pair pair; size() < most && index.best(pair); add(pair)) index.merge(pair, size());
}

// What was learned first is put together first, as in training.
std::vector<int> BytePairEncoding::encode(const std::string& text) const {
  Numbers all;
  for (const std::string& piece : pieces_of(text)) {
    Numbers ids = bytes_of(piece, first_byte());
    for (int first = -1; first != size();) {
      first = size();
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto found = learned_.find(key({ids[i], ids[i + 1]}));
        if (found != learned_.end()) first = std::min(first, found->second);
      }
      if (first != size())
        ids = merged(ids, pairs_[static_cast<std::size_t>(first - first_byte() - 256)], first);
    }
    all.insert(all.end(), ids.begin(), ids.end());
  }
  return all;
}

std::string BytePairEncoding::decode(const std::vector<int>& ids, Where where) const {
  std::string text;
  for (const int id : ids) {
    if (id < 0 || id >= size()) fail("decode", where, "there is no token ", id, " among ", size());
    if (id >= first_byte()) text += tokens_[static_cast<std::size_t>(id)];
  }
  return text;
}

// A checksum, the special tokens, an empty line, and the pairs.
std::string BytePairEncoding::contents() const {
  std::string lines;
  for (int id = 1; id < first_byte(); ++id) lines += tokens_[static_cast<std::size_t>(id)] + "\n";
  lines += "\n";
  for (const auto& [a, b] : pairs_) lines += std::to_string(a) + " " + std::to_string(b) + "\n";
  std::uint64_t hash = 0;
  for (const char c : lines) hash = random_bits(hash, static_cast<unsigned char>(c));
  return std::to_string(hash) + "\n" + lines;
}

void BytePairEncoding::save(const std::string& path, Where where) const {
  write_file(path, contents(), where);
}

// What is read must be what save() would write of it.
void BytePairEncoding::load(const std::string& path, Where where) {
  const std::string text = read_file(path, 100'000'000, where);
  BytePairEncoding read = *this;
  read.forget();
  std::istringstream lines(text.substr(std::min(text.find("\n\n"), text.size())));
  for (Pair pair; lines >> pair.first >> pair.second;)
    if (!read.add(pair)) break;
  if (read.contents() != text)
    fail("BytePairEncoding::load", where, path + " is damaged, or has other special tokens");
  *this = std::move(read);
}

}  // namespace gradus
