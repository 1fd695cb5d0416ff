# Gradus. The targets a reader needs:
#
#   make run            build, then train the classifier on the reviews that come with the project
#   make test           build and run every test, in float and in double; ONE="*mask*" for one by name
#   make lesson-NN      build and run lesson NN, such as lesson-01
#   make debug-NN       lesson NN in gdb, at its first line; DEBUGGER=lldb for lldb
#   make lessons        run every lesson that needs no data of its own
#   make imdb DATA=dir  the book's experiment on the real reviews (dir/train/pos/0_9.txt ...)
#   make bits           the same digits with other compilers, levels and thread counts?
#   make book           the lessons as pages for a browser: build/book/index.html
#   make reviews        write the reviews in lessons/data again, from their grammar
#   make bench          the speed table of this machine; bench-book, bench-matmul, bench-attention,
#                       bench-tiny and bench-reviews measure one row (THREADS= BATCH= LENGTH=
#                       STEPS= M= N= K= DATA=)
#   make clean          delete everything that was built
#
# MODE=release (the default), debug (-O0 -g), double (float64, for gradient checks), asan or tsan
# chooses the kind of build, CXX the compiler; each pair lives in a folder of its own under build/.

# One goal is built on all processors; several, such as `make clean test`, one after another.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif

MODE ?= release
BUILD ?= build/$(MODE)$(filter-out -g++ -c++,-$(notdir $(lastword $(CXX))))
PROBE = $(shell $(CXX) -Werror $(1) -E -x c++ /dev/null >/dev/null 2>&1 && echo $(1))
ARCH ?= $(or $(call PROBE,-march=native),$(call PROBE,-mcpu=native))
ARCH := $(ARCH)

# No contraction of a*b+c and no fast-math: the same bits whatever the compiler and the level.
STRICT := -std=c++20 -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# GCC 12 sees an overlap in std::string that is not there.
STRICT += $(call PROBE,-Wno-restrict)
FLAGS_release := -O3 -g1
FLAGS_debug := -O0 -g
FLAGS_double := -O1 -g1 -DGRADUS_DOUBLE
FLAGS_asan := -O1 -g -DGRADUS_NO_RECYCLING -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS := $(STRICT) $(FLAGS_$(MODE)) $(ARCH) -Iinclude -pthread $(EXTRA)

# The inner loops of matrix products and attention are optimised in every build (unoptimised they
# would be eighty times slower), and in the innermost one a*b+c is one fused step.
FLAGS_src/kernels/tile := -ffp-contract=fast -O3
FLAGS_src/kernels/matmul := -O3
FLAGS_src/kernels/attention := -O3
FLAGS_src/kernels/attention_backward := -O3
FLAGS_tests/bench/machine := -ffp-contract=fast -O3

# What holds no loops over many numbers is optimised less: it is half of the code, and -O3 would
# double the time to build it. (For the same reason -g1: a release build knows names and lines; to
# look at variables is what the debug build is for.)
LIGHT_release := -O1
LIGHT = $(filter-out src/training/optimizer,$(filter \
  src/inspect/% src/layers/% src/text/% src/training/% tests/% lessons/%,$*))

SOURCES := $(wildcard src/*.cpp src/*/*.cpp)
OBJECTS := $(SOURCES:%.cpp=$(BUILD)/%.o)
TESTS := $(wildcard tests/*.cpp)
TEST_OBJECTS := $(TESTS:%.cpp=$(BUILD)/%.o)
BOOK := $(wildcard lessons/book/*.cpp)
LIBRARY := $(BUILD)/libgradus.a
NUMBERS := $(shell ls lessons | sed -n 's/^\([0-9][0-9]\)_.*/\1/p')

help:
	@sed -n 's/^#   make/make/p' Makefile

$(BUILD)/%.o: %.cpp Makefile
	@mkdir -p $(@D)
	@echo "  $<"
	@$(CXX) $(FLAGS) $(if $(LIGHT),$(LIGHT_$(MODE))) $(FLAGS_$*) -MMD -MP -c $< -o $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/lessons/%: $(BUILD)/lessons/%.o $(LIBRARY)
	@$(CXX) $(FLAGS) $^ -o $@

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/machine.o $(LIBRARY)
	@mkdir -p $(@D)
	@$(CXX) $(FLAGS) $^ -o $@

$(BUILD)/gradus-tests: $(TEST_OBJECTS) $(LIBRARY)
	@$(CXX) $(FLAGS) $(TEST_OBJECTS) $(LIBRARY) -o $@

LESSON = $(BUILD)/$(basename $(or $(wildcard lessons/$*_*.cpp),$(error there is no lesson $*)))

run: lesson-10

lesson-%:
	@$(MAKE) --no-print-directory $(LESSON)
	@$(LESSON)

DEBUGGER ?= gdb

debug-%:
	@command -v $(DEBUGGER) >/dev/null || sh lessons/debugger/start.sh $(DEBUGGER)
	@$(MAKE) --no-print-directory MODE=debug BUILD=build/debug $(LESSON:$(BUILD)/%=build/debug/%)
	@sh lessons/debugger/start.sh $(DEBUGGER) $(LESSON:$(BUILD)/%=build/debug/%)

bits:
	@sh tests/bits.sh all

lessons: $(patsubst %,lesson-%,$(filter-out 14,$(NUMBERS)))

imdb: $(BUILD)/lessons/14_real_reviews
	@$< "$(DATA)"

bench: $(patsubst %,$(BUILD)/bench/%,limits matmul book_step tiny attention)
	@$(MAKE) -k $(BUILD)/bench/openblas >/dev/null 2>&1 || echo "(OpenBLAS is not installed)"
	@sh tests/bench/table.sh $(BUILD)

$(BUILD)/bench/openblas: $(BUILD)/tests/bench/openblas.o $(BUILD)/tests/bench/machine.o
	@$(CXX) $(FLAGS) $^ -lopenblas -o $@

bench-book: $(BUILD)/bench/book_step
	@$< $(or $(THREADS),2) $(or $(STEPS),5) $(or $(BATCH),32) $(or $(LENGTH),600)

bench-matmul: $(BUILD)/bench/matmul
	@$< $(or $(M),1024) $(or $(N),1024) $(or $(K),1024) $(or $(THREADS),1) $(or $(LAYOUT),nn)

$(BUILD)/book: $(BOOK:%.cpp=$(BUILD)/%.o) $(LIBRARY)
	@$(CXX) $(FLAGS) $^ -o $@

# The lessons that draw are run for their pictures, which takes half a minute.
DRAWING := $(shell grep -l 'write_file."build/' lessons/[0-9]*.cpp)
book: $(BUILD)/book $(DRAWING:%.cpp=$(BUILD)/%)
	@for lesson in $(DRAWING:%.cpp=$(BUILD)/%); do $$lesson >/dev/null 2>&1 || exit 1; done
	@rm -rf build/book
	$(BUILD)/book build/book

bench-attention: $(BUILD)/bench/attention
	@$< $(or $(LENGTH),2048) $(or $(THREADS),1)

bench-reviews: $(BUILD)/bench/reviews
	@$< "$(DATA)" $(or $(THREADS),2)

bench-tiny: $(BUILD)/bench/tiny
	@$<

reviews: $(BUILD)/lessons/data/make_reviews
	@$(BUILD)/lessons/data/make_reviews

# Gradients can only be checked well in double, so the usual build is tested together with that.
DOUBLE := $(or $(filter build/double%,$(BUILD:build/release%=build/double%)),$(BUILD)/double)
test: $(BUILD)/gradus-tests $(if $(filter release,$(MODE)),$(DOUBLE)/gradus-tests)
	@sh tests/run.sh "$(ONE)" $^

ifeq ($(MODE),release)
.PHONY: $(DOUBLE)/gradus-tests
$(DOUBLE)/gradus-tests: doctest
	@$(MAKE) --no-print-directory MODE=double BUILD=$(DOUBLE) $@
endif

$(TEST_OBJECTS): | doctest

doctest:
	@CXX="$(CXX)" sh tests/install_doctest.sh

# For clangd, clang-tidy and other tools that want to know how a file is compiled. They are Clang,
# and do not know the warning that GCC 12 needs switched off.
LISTED := $(SOURCES) $(TESTS) $(wildcard tests/bench/*.cpp lessons/*.cpp lessons/*/*.cpp)
compile_commands.json: Makefile $(LISTED)
	@{ comma=[; for file in $(sort $(LISTED)); do \
	  echo "$$comma"'{"directory": "$(CURDIR)", "file": "'$$file'", "command": "$(CXX) $(filter-out -Wno-restrict,$(FLAGS)) -c '$$file'"}'; \
	  comma=,; done; echo ']'; } >$@

clean:
	rm -rf build

.PHONY: help run lessons bits imdb reviews book bench test doctest clean
.SECONDARY:
-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(patsubst %.cpp,$(BUILD)/%.d,$(wildcard lessons/*.cpp) $(BOOK))
