#include "case_file.h"

namespace gradus {

int CaseFile::points() const {
  int sum = 0;
  std::string before;
  for (const Question& question : questions) {
    if (question.given.group != before) sum += question.given.points;
    before = question.given.group;
  }
  return sum;
}

std::string to_text(const CaseFile& file) {
  std::vector<Item> items = {text_item("exercise", file.name, "")};
  for (const std::string& hint : file.hints) items.push_back(text_item("hint", "", hint));
  for (const std::string& name : file.without) items.push_back(text_item("without", name, ""));
  for (const KnownMistake& known : file.mistakes)
    items.push_back(text_item("mistake", known.see, known.message));
  for (const Question& question : file.questions) {
    const Case& given = question.given;
    items.push_back(text_item("group", given.group, ""));
    items.push_back(
        number_item("case", given.name, {2},
                    {static_cast<float>(given.points), static_cast<float>(given.tolerance)}));
    items.insert(items.end(), given.inputs.begin(), given.inputs.end());
    items.push_back(text_item("right", "", ""));
    items.insert(items.end(), question.right.begin(), question.right.end());
    for (const Outcome& outcome : question.wrong) {
      items.push_back(text_item("wrong", "", ""));
      for (const Item& item : outcome)
        if (item.kind != "trace") items.push_back(item);  // only the right steps are compared
    }
  }
  std::string text;
  for (const Item& item : items) text += to_text(item);
  return text;
}

CaseFile case_file_of(const std::string& text, Where where) {
  CaseFile file;
  std::string group;
  Outcome* into = nullptr;
  for (const Item& item : items_of(text, where)) {
    const std::string& kind = item.kind;
    if (kind == "group")
      group = item.name;
    else if (kind == "exercise")
      file.name = item.name;
    else if (kind == "hint")
      file.hints.push_back(item.text);
    else if (kind == "without")
      file.without.push_back(item.name);
    else if (kind == "mistake")
      file.mistakes.push_back({item.text, item.name});
    else if (kind == "case") {
      Case& given = file.questions.emplace_back().given;
      given.name = item.name;
      given.group = group;
      given.points = static_cast<int>(item.numbers.at(0));
      given.tolerance = static_cast<double>(item.numbers.at(1));
    } else if (file.questions.empty()) {
      fail("case file", where, "it has a " + kind + " before the first case");
    } else if (kind == "input")
      file.questions.back().given.inputs.push_back(item);
    else if (kind == "right")
      into = &file.questions.back().right;
    else if (kind == "wrong")
      into = &file.questions.back().wrong.emplace_back();
    else if (into)
      into->push_back(item);
  }
  return file;
}

}  // namespace gradus
