#!/bin/sh
# One way up: each room includes only what lies in it or below it, and rooms that stand side by side
# (those that look on, and the pictures) are included by nothing below.
cd "$(dirname "$0")/.." || exit 1
{
  # The rooms from the bottom up, and the headers and sources in each. What lies in a folder of src
  # belongs to the room of that name, unless it is listed here with its folder.
  cat <<'END'
room foundation scalar shape shared buffer error format clock random threads files open_file setting kernels/math kernels/threads
room kernels
room tensor tensor make_tensor operation watcher ids mask backward print
room operations operations
room layers layers module transformer cache
room text text reviews batches byte_pairs bleu
room training fit optimizer safetensors progress baseline writing
room inspect trace profile hooks check_gradients check_training
room pictures picture
room lessons gradus
END
  grep -Hn '^#include \(<gradus/\|"\)' $(git ls-files 'src/*.cpp' 'src/*.h' 'include/gradus/*.h')
} | awk '
  function base(path) { sub(/.*\//, "", path); sub(/\..*/, "", path); return path }
  function room_of(path,    parts) {
    split(path, parts, "/")
    if ((parts[2] "/" base(path)) in room) return room[parts[2] "/" base(path)]
    if (parts[1] == "src" && parts[3] != "" && parts[2] in level) return parts[2]
    return base(path) in room ? room[base(path)] : ""
  }
  $1 == "room" { level[$2] = NR; for (i = 3; i <= NF; ++i) room[$i] = $2; next }
  {
    split($0, place, ":")
    file = place[1]
    folder = file
    sub(/[^\/]*$/, "", folder)
    target = $0
    gsub(/.*include ["<]|[">]$/, "", target)
    target = target ~ /^gradus\// ? "include/" target : folder target
    while (sub(/[^\/]*\/\.\.\//, "", target));
    from = room_of(file)
    to = room_of(target)
    if (level[to] > level[from] || from == "" || to == "") {
      print file ":" place[2] ": " target " is in the room " to ", above " from
      wrong = 1
    }
  }
  END { exit wrong }'
