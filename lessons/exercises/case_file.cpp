#include "judging.h"

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

// exercise, notes, and for each case: group, case, inputs, "right" and its answers, "wrong" and
// its.
std::string to_text(const CaseFile& file) {
  std::vector<Item> items = {item_of("exercise", file.name, file.points())};
  items.insert(items.end(), file.notes.begin(), file.notes.end());
  for (const Question& question : file.questions) {
    const Case& given = question.given;
    items.push_back(item_of("group", given.group, given.points));
    items.push_back(item_of("case", given.name, given.tolerance));
    items.insert(items.end(), given.inputs.begin(), given.inputs.end());
    items.push_back(item_of("right", "", ""));
    items.insert(items.end(), question.right.begin(), question.right.end());
    for (const Outcome& outcome : question.wrong) {
      items.push_back(item_of("wrong", "", ""));
      for (const Item& item : outcome)
        if (item.kind != "trace") items.push_back(item);  // only the right steps are compared
    }
  }
  return to_text(items);
}

CaseFile case_file_of(const std::string& text, Where where) {
  CaseFile file;
  Case next;
  std::vector<Item>* into = &file.notes;
  for (const Item& item : items_of(text, where)) {
    if (item.kind == "exercise") {
      file.name = item.name;
    } else if (item.kind == "group") {
      next.group = item.name;
      next.points = static_cast<int>(item.numbers.at(0));
    } else if (item.kind == "case") {
      next.name = item.name;
      next.tolerance = static_cast<double>(item.numbers.at(0));
      file.questions.push_back({next, {}, {}});
      into = &file.questions.back().given.inputs;
    } else if (item.kind == "right" || item.kind == "wrong") {
      if (file.questions.empty()) fail("case file", where, "an answer before the first case");
      Question& last = file.questions.back();
      into = item.kind == "right" ? &last.right : &last.wrong.emplace_back();
    } else {
      into->push_back(item);
    }
  }
  return file;
}

}  // namespace gradus
