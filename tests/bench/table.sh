#!/bin/sh
# The speed table of this machine: table.sh FOLDER, where FOLDER is the build with bench/. Peers are
# measured where they are installed, in turn with ours, and medians of three compared.
set -u
here=$1
value() { sed -n "s/.*$1=\([0-9.]*\).*/\1/p"; }          # value NAME: the number after NAME=
middle() { sort -n | sed -n 2p; }                        # of three lines
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a > 0 && b > 0) printf "%.2f", a / b; else printf "-" }'; }
# The settings under which the others are fastest: no kernels chosen by hand, and memory that is kept
# (where page faults are dear, PyTorch's step takes three times as long without).
peer() { env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=-1 MALLOC_TOP_PAD_=1073741824 "$@"; }
python=$(for p in python3 /usr/bin/python3; do $p -c 'import torch' 2>/dev/null && echo $p && break; done)
threads=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

peak_1=$("$here/bench/limits" 1 | value fma_gflops)
limits=$("$here/bench/limits" "$threads")
echo "limits: $peak_1 GFLOP/s on 1 thread, $(echo "$limits" | value fma_gflops) on $threads; $(echo "$limits" | value memory_gbytes) GB/s from and to memory"
echo
printf '%-34s %9s %9s %7s %8s\n' "matrix product (GFLOP/s)" ours OpenBLAS ratio "of peak"
matmul_row() { # M N K THREADS LAYOUT
  ours= theirs=
  for turn in 1 2 3; do
    ours="$ours $("$here/bench/matmul" "$@" | value ' gflops')"
    [ -x "$here/bench/openblas" ] && theirs="$theirs $(peer "$here/bench/openblas" "$@" | value gflops)"
  done
  a=$(printf '%s\n' $ours | middle)
  b=$([ -n "$theirs" ] && printf '%s\n' $theirs | middle)
  peak=$("$here/bench/limits" "$4" quick | value fma_gflops)
  printf '%-34s %9s %9s %7s %8s\n' "$1 x $2 x $3 $5, $4 thread(s)" "$a" "${b:--}" "$(ratio "$a" "${b:-0}")" "$(ratio "$a" "$peak")"
}
for count in 1 $threads; do
  for layout in nn nt tn tt; do
    matmul_row 1024 1024 1024 $count $layout
    matmul_row 19200 512 256 $count $layout
    matmul_row 512 256 19200 $count $layout
    matmul_row 600 600 256 $count $layout
  done
done
matmul_row 64 64 64 1 nn
matmul_row 32 32 32 1 nn

echo
# "at peak" is what all products of a step, 145 and 96 GFLOP, take at the FMA peak. Ours of the
# classifier may take less: words that the max pooling passes over have no gradient, and are left out
# (src/kernels/busy_rows.h).
step_rows() { # NAME TITLE GFLOP STEPS BATCH LENGTH
  printf '%-30s %9s %9s %7s %8s %12s\n' "$2 (s; MiB)" ours PyTorch ratio "at peak" MiB
  for count in 1 $threads; do
    ours= theirs=
    for turn in 1 2 3; do
      line=$("$here/bench/$1" $count $4 $5 $6)
      ours="$ours $(echo "$line" | value median_s)"
      if [ -n "$python" ]; then
        other=$(peer $python tests/bench/torch_steps.py $1 $count $4 $5 $6)
        theirs="$theirs $(echo "$other" | value median_s)"
      fi
    done
    a=$(printf '%s\n' $ours | middle)
    b=$([ -n "$theirs" ] && printf '%s\n' $theirs | middle)
    memory=$(echo "$line" | value peak_rss_mib)
    [ -n "$theirs" ] && memory="$memory of $(echo "$other" | value peak_rss_mib)"
    peak=$("$here/bench/limits" "$count" quick | value fma_gflops)
    printf '%-30s %9s %9s %7s %8s %12s\n' "$count thread(s)" "$a" "${b:--}" "$(ratio "${b:-0}" "$a")" "$(ratio $3 "$peak")" "$memory"
  done
}
step_rows book "book's step, 32 x 600" 145 3 32 600
echo
step_rows translator "translator, 64 x 20" 96 3 64 20

echo
# One thread each: a single word gives two nothing to share. PyTorch runs its own best loop, with a
# cache; without one we compute every word again.
printf '%-34s %10s %9s %7s %9s\n' "writing (s)" "with cache" PyTorch ratio without
for tokens in 64 128 256 512 1024; do
  ours= theirs=
  for turn in 1 2 3; do
    ours="$ours $("$here/bench/writing" $tokens 1 1 | value median_s)"
    [ -n "$python" ] && theirs="$theirs $(peer $python tests/bench/torch_steps.py writing $tokens 1 | value median_s)"
  done
  a=$(printf '%s\n' $ours | middle)
  b=$([ -n "$theirs" ] && printf '%s\n' $theirs | middle)
  without=$("$here/bench/writing" $tokens 0 1 | value median_s)
  printf '%-34s %10s %9s %7s %9s\n' "$tokens tokens" "$a" "${b:--}" "$(ratio "${b:-0}" "$a")" "$without"
done

echo
"$here/bench/tiny"
[ -n "$python" ] && peer $python tests/bench/torch_steps.py tiny | sed 's/^/PyTorch: /'

echo
printf '%-34s %9s %9s %14s\n' "attention, one head of 64, 1 thread" seconds MiB "of matmul rate"
for length in 512 1024 2048 4096 8192 16384; do
  line=$("$here/bench/attention" $length 1)
  rate=$("$here/bench/matmul" $length 64 $length 1 | value ' gflops')
  seconds=$(echo "$line" | value median_s)
  share=$(awk -v t="$length" -v s="$seconds" -v r="$rate" 'BEGIN { printf "%.2f", 7 * 2 * t * t * 64 / s / 1e9 / r }')
  printf '%-34s %9s %9s %14s\n' "T = $length" "$seconds" "$(echo "$line" | value extra_mib)" "$share"
done
