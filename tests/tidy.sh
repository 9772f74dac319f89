#!/usr/bin/env bash
# tests/tidy.sh - what a compiler does not say: the direction of includes, headers that compile
# alone, calls that have one door, files nobody builds.  Prints TAP.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
number=0 failures=0
build=${MILLRACE_BUILD:-build/check}

# report NAME TEXT: the check passes where TEXT is empty.
report() {
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - $1"
    else
        failures=$((failures + 1))
        echo "not ok $number - $1"
        printf '%s\n' "$2" | head -40 | sed 's/^/#   /'
    fi
}

rooms="common storage engine parser planner server clients"
sources() { find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.y' \) | sort; }

# ---- includes go one way (docs/architecture.md) ------------------------------------------------

allowed() {                            # room, included path
    case $1 in
        common)  [[ $2 == common/* ]] ;;
        storage) [[ $2 == common/* || $2 == storage/* ]] ;;
        parser)  [[ $2 == common/* || $2 == parser/* ]] ;;
        # Operators write their state as bytes (state.h) and never a checkpoint.
        engine)  [[ $2 == common/* || $2 == engine/* || $2 == storage/types.* \
                    || $2 == storage/vector.h || $2 == storage/block.h || $2 == storage/source.h \
                    || $2 == storage/sink.h || $2 == storage/array.h || $2 == storage/record.h || $2 == storage/bpchar.h || $2 == storage/reg.h || $2 == storage/json*.h || $2 == storage/state.h ]] ;;
        planner) [[ $2 == common/* || $2 == storage/* || $2 == engine/* || $2 == parser/* \
                    || $2 == planner/* ]] ;;
        server)  [[ $2 != clients/* ]] ;;
        clients) [[ $2 == clients/* ]] ;;
    esac
}
wrong=""
while IFS=: read -r file line text; do
    path=${text#*\"}
    path=${path%%\"*}
    room=${file%%/*}
    if [[ $path != */* ]]; then
        wrong+="$file:$line: \"$path\" is not written from the root"$'\n'
    elif ! allowed "$room" "$path"; then
        wrong+="$file:$line: $room/ may not include $path"$'\n'
    fi
done < <(sources $rooms | xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"')
report "includes go one way" "$wrong"

wrong=""
for file in $(sources $rooms | grep '\.c$'); do
    header=${file%.c}.h
    [ -e "$header" ] || continue
    first=$(grep -m1 -E '^#include' "$file" | sed 's/.*[<"]\(.*\)[>"].*/\1/')
    [ "$first" = "$header" ] || wrong+="$file includes ${first:-nothing} before its own header"$'\n'
done
report "a file includes its own header first" "$wrong"

# ---- every header compiles alone ---------------------------------------------------------------

flags="-std=gnu11 -D_GNU_SOURCE -Wall -Wextra -I. -I$build"
flags+=" $(pkg-config --cflags libevent_core sqlite3 libpq libedit zlib liblz4 libxxhash \
    libpcre2-8 libutf8proc 2>/dev/null)"
wrong=""
for header in $(sources $rooms | grep '\.h$'); do
    # A template is included many times, each time with something else defined.
    [[ $header == *_template.h ]] && continue
    # shellcheck disable=SC2086
    said=$(printf '#include "%s"\n' "$header" | ${CC:-gcc} $flags -fsyntax-only -x c - 2>&1) \
        || wrong+="$header: $(printf '%s' "$said" | grep -m1 error)"$'\n'
done
report "every header compiles alone" "$wrong"

# ---- calls that have one door, and calls nobody makes ------------------------------------------

# A comment or a string may name them: both are blanked first, line numbers stay.
code() {
    for file in "$@"; do
        perl -0pe 's{/\*.*?\*/}{ (my $c = $&) =~ s/[^\n]/ /g; $c }gse; s{"(?:[^"\\\n]|\\.)*"}{""}g;
                   s{//[^\n]*}{}g' "$file" | grep -nE "$pattern" | sed "s|^|$file:|"
    done
}
pattern='(^|[^a-zA-Z0-9_.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|rand|srand|random|srandom|atoi|atol|atof|alloca|system|popen|tmpnam|mktemp|setjmp|longjmp|localtime|gmtime|ctime|asctime|usleep|sleep)[[:space:]]*\('
report "no call that is unsafe or has a better form" \
    "$(code $(sources $rooms | grep -v '^clients/'))"
pattern='(^|[^a-zA-Z0-9_.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca|tmpnam|mktemp)[[:space:]]*\('
report "no unsafe call in clients/" "$(code $(sources clients))"

pattern='(^|[^a-zA-Z0-9_.>])(time|gettimeofday|clock_gettime|clock|getrandom|arc4random)[[:space:]]*\('
report "time and chance come from common/clock.h and common/random.h" \
    "$(code $(sources common storage engine parser planner server \
        | grep -vE '^common/(clock|random)\.c$'))"
pattern='(^|[^a-zA-Z0-9_.>])(open|openat|creat|fopen|pread|pwrite|preadv|pwritev|fsync|fdatasync|rename|renameat|unlink|mkdir|opendir|ftruncate|posix_fallocate)[[:space:]]*\('
# The lock of the data directory and the descriptor a listener keeps in reserve hold no data: they are
# no places where a disk fails, so they do not count as fault points.
report "files are touched by common/file.h only" \
    "$(code $(sources storage engine parser planner server \
        | grep -vE '^server/(data_directory|listener)\.c$'))"
pattern='(^|[^a-zA-Z0-9_.>])(exit|abort|_exit|quick_exit)[[:space:]]*\('
report "a library never ends the process" \
    "$(code $(sources common storage engine parser planner | grep -vE '^common/(fault|logging)\.c$'))"

# ---- nothing dead -----------------------------------------------------------------------------

listed=$(cat ./*/sources.am Makefile.am | tr ' \t' '\n\n')
wrong=""
for file in $(sources $rooms | grep '\.c$'); do
    printf '%s\n' "$listed" | grep -qxF "$file" || wrong+="$file is in no sources.am"$'\n'
done
for file in $(find tests/unit tests/fuzz -name '*.c' ! -name replay.c | sort); do
    case $file in tests/unit/test_*|tests/fuzz/fuzz_*) ;; *) continue ;; esac
    printf '%s\n' "$listed" | grep -qxF "${file%.c}" || wrong+="$file is in no sources.am"$'\n'
done
report "every source file is built" "$wrong"
report "every source file is listed once" \
    "$(cat ./*/sources.am | grep -v '^#' | tr ' \t' '\n\n' | grep -E '\.[chy]$' | sort | uniq -d)"

report "no work is left as a note" "$(sources $rooms tests | xargs grep -nE \
    '\b(TODO|FIXME|XXX|HACK)\b' 2>/dev/null)"
report "no tabs, no trailing blanks, no line over 100 columns" \
    "$(sources $rooms | xargs awk '/\t/ { print FILENAME ":" FNR ": tab" }
        / $/ { print FILENAME ":" FNR ": trailing blank" }
        { line = $0; gsub(/[\200-\277]/, "", line)
          if (length(line) > 100) print FILENAME ":" FNR ": " length(line) " columns" }')"
report "every file of C says what it is" "$(for file in $(sources $rooms); do
        head -3 "$file" | grep -qF "$file" || echo "$file: the first comment does not name it"
    done)"
report "scripts are executable" "$(for file in check quickstart autogen.sh .ci/run tests/tidy.sh \
        bench/run; do
        [ -x "$file" ] || echo "$file"
    done)"

echo "1..$number"
[ "$failures" -eq 0 ]
