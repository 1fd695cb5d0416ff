# Gradus. The targets a reader needs:
#
#   make run            build, then train the classifier on the reviews that come with the project
#   make test           build and run every test
#   make imdb DATA=dir  the book's experiment on the real reviews (dir/train/pos/0_9.txt ...)
#   make book           the lessons as pages for a browser: build/book/index.html
#   make clean          delete everything that was built
#
# MODE=release (the default), debug (-O0 -g), double (float64, for gradient checks), asan or tsan
# chooses the kind of build; each lives in its own folder under build/.

MODE ?= release
BUILD := build/$(MODE)
CXX ?= g++
PROBE = $(shell $(CXX) -Werror $(1) -E -x c++ /dev/null >/dev/null 2>&1 && echo $(1))
ARCH ?= $(or $(call PROBE,-march=native),$(call PROBE,-mcpu=native))
ARCH := $(ARCH)

# No contraction of a*b+c and no fast-math: the same bits whatever the compiler and the level.
STRICT := -std=c++20 -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# GCC 12 sees an overlap in std::string that is not there.
STRICT += $(call PROBE,-Wno-restrict)
FLAGS_release := -O3 -g1
FLAGS_debug := -O0 -g
FLAGS_double := -O2 -g1 -DGRADUS_DOUBLE
FLAGS_asan := -O1 -g -DGRADUS_NO_RECYCLING -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan := -O1 -g -fsanitize=thread
FLAGS := $(STRICT) $(FLAGS_$(MODE)) $(ARCH) -Iinclude -pthread $(EXTRA)

# The inner loops of matrix products and attention are optimised in every build (unoptimised they
# would be eighty times slower), and in the innermost one a*b+c is one fused step.
FLAGS_src/kernels/tile := -ffp-contract=fast -O3
FLAGS_src/kernels/matmul := -O3
FLAGS_src/kernels/attention := -O3
FLAGS_src/kernels/attention_backward := -O3
FLAGS_src/kernels/rows := -O3

SOURCES := $(wildcard src/*.cpp src/*/*.cpp)
OBJECTS := $(SOURCES:%.cpp=$(BUILD)/%.o)
TESTS := $(wildcard tests/*.cpp)
TEST_OBJECTS := $(TESTS:%.cpp=$(BUILD)/%.o)
BOOK := $(wildcard lessons/book/*.cpp)
LIBRARY := $(BUILD)/libgradus.a

help:
	@sed -n 's/^#   make/make/p' Makefile

$(BUILD)/%.o: %.cpp Makefile
	@mkdir -p $(@D)
	@echo "  $<"
	@$(CXX) $(FLAGS) $(FLAGS_$*) -MMD -MP -c $< -o $@

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/lessons/%: $(BUILD)/lessons/%.o $(LIBRARY)
	@$(CXX) $(FLAGS) $^ -o $@

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	@$(CXX) $(FLAGS) $^ -o $@

$(BUILD)/gradus-tests: $(TEST_OBJECTS) $(LIBRARY)
	@$(CXX) $(FLAGS) $(TEST_OBJECTS) $(LIBRARY) -o $@

$(BUILD)/book: $(BOOK:%.cpp=$(BUILD)/%.o) $(LIBRARY)
	@$(CXX) $(FLAGS) $^ -o $@

book: $(BUILD)/book
	@rm -rf build/book
	$(BUILD)/book build/book

test: $(BUILD)/gradus-tests
	$(BUILD)/gradus-tests

clean:
	rm -rf build

.PHONY: help test book clean run imdb
.SECONDARY:
-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(patsubst %.cpp,$(BUILD)/%.d,$(wildcard lessons/*.cpp) $(BOOK))
