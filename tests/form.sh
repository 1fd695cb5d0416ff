#!/bin/sh
# What a reader may rely on: no file of the library over 250 lines, no function over 50, nothing at
# the top that does not belong there, nothing that names a folder of somebody's machine, and no line
# of a lesson's output over 80 columns.
cd "$(dirname "$0")/.." || exit 1
awk 'FNR == 1 { start = 0 }
     FNR == 251 { print FILENAME ": more than 250 lines"; wrong = 1 }
     # A function begins with a line that ends in ") {", and ends with "}" at the same indent.
     /^ *[A-Za-z~].*[)a-z] \{$/ && !/^ *(namespace|struct|class|enum|if|for|while|else|do|switch|try) ?/ && !start {
       start = FNR
       match($0, /^ */)
       close_line = substr($0, 1, RLENGTH) "}"
     }
     start && index($0, close_line) == 1 && substr($0, length(close_line) + 1) !~ /^ (catch|else)/ {
       if (FNR - start + 1 > 50) { print FILENAME ":" start ": a function of " FNR - start + 1 " lines"; wrong = 1 }
       start = 0
     }
     END { exit wrong }' $(git ls-files 'src/*.cpp' 'src/*.h' 'include/*.h')
long=$?
if git ls-files | grep -vE '^(src|include|lessons|tests|\.[^/]+)/|^(Makefile|README\.md|\.[^/]+)$'; then
  echo "the files above do not belong at the top"
  exit 1
fi
if git grep -nE '(^|[^A-Za-z0-9_.}])/(home|root|Users|work|mnt)/' -- . ':!tests/form.sh'; then
  echo "the lines above name a folder of a machine"
  exit 1
fi
# What a lesson prints fits a terminal of 80 columns. (In UTF-8 the bytes 200 to 277 begin no character.)
if LC_ALL=C awk '{ bytes = $0; gsub(/[\200-\277]/, "") }
        length > 80 { print FILENAME ":" FNR ": " length " columns: " bytes; wide = 1 }
        END { exit !wide }' lessons/expected/*.txt; then
  exit 1
fi
exit $long
