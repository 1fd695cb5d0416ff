# Gradus. The targets a reader needs:
#
#   make run            build, then train the classifier on shipped reviews
#   make test           build and run every test in float, and those of numbers in
#                       double as well; ONE="*mask*" for one by name
#   make mutants        plant the mistakes of tests/mutants/list.txt, one at a time:
#                       does a test notice each? (ONLY=softmax or ONLY=17: some of
#                       them; TENTH=1: today's tenth)
#   make fuzz           hostile files and random programs, with Clang; SECONDS=60
#                       FUZZ=tsv RUNS=1000
#   make lesson-NN      build and run lesson NN, such as lesson-01
#   make debug-NN       lesson NN in gdb, at its first line; DEBUGGER=lldb for lldb,
#                       DATA=dir for a lesson that needs data
#   make exercises      what is solved and what is next; the tasks are
#                       lessons/exercises/NN_name.cpp
#   make exercise-NN    judges one; hint-NN is the next hint, watch-NN judges
#                       whenever it is saved, debug-exercise-NN stops the debugger
#                       where the first difference arises
#   make handout TO=dir for students: the tree with every exercise unsolved
#   make grade SUBMISSION=dir SALT=words: one submission, or a folder of them, with
#                       fresh cases
#   make prove          does each known wrong answer of an exercise get its message?
#   make new NAME=idea  begins a program of your own, lessons/mine/idea.cpp; then
#                       make idea or make debug-idea
#   make lessons        run every lesson that needs no data of its own
#   make imdb DATA=dir  the book's experiment on the real reviews
#                       (dir/train/pos/0_9.txt ...)
#   make translate      train and judge two translators of the sentences that come
#                       along; DATA=spa.txt for the book's experiment on real
#                       sentences, which takes hours
#   make write          a model that writes reviews (lesson 22); DATA=dir: from the
#                       real ones, in hours
#   make labels         what generalises (lesson 26); DATA=dir: on the real reviews
#   make pretraining    hidden words, then few labels (lesson 27);
#                       DATA=dir: on the real reviews
#   make votes          what pairs of words know (lesson 28); DATA=dir: on the real
#                       reviews
#   make bits           the same digits with other compilers, levels, thread counts?
#   make book           the lessons as pages for a browser: build/book/index.html
#   make bench          the speed table of this machine; bench-book, bench-matmul,
#                       bench-attention, bench-tiny, bench-translator,
#                       bench-writing, bench-reviews: one row (THREADS= BATCH=
#                       LENGTH= STEPS= M= N= K= CACHE=0)
#   make format         every source in the form that .clang-format describes
#   make install        headers, library and pkg-config file to PREFIX=/usr/local
#   make clean          delete everything that was built, but not trained weights
#
# MODE=release (the default), debug (-O0 -g), double (float64, for gradient checks), asan or tsan
# chooses the kind of build, CXX the compiler; each pair lives in a folder of its own under build/.

# One goal is built on all processors; several, such as `make clean test`, one after another.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif

MODE ?= release
COMPILER := $(filter-out -g++ -c++,-$(notdir $(lastword $(CXX))))
BUILD ?= build/$(MODE)$(COMPILER)
PROBE = $(shell $(CXX) -Werror $(1) -E -x c++ /dev/null >/dev/null 2>&1 && echo $(1))
ARCH ?= $(or $(call PROBE,-march=native),$(call PROBE,-mcpu=native))
ARCH := $(ARCH)

# No contraction of a*b+c and no fast-math: the same bits whatever the compiler and the level.
STRICT := -std=c++20 -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# GCC 12 sees an overlap in std::string that is not there.
STRICT += $(call PROBE,-Wno-restrict)
FLAGS_release := -O3 -g1
# An index outside a vector stops a debug build at once, with either standard library.
CHECKED := -D_GLIBCXX_ASSERTIONS -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_EXTENSIVE
FLAGS_debug := -O0 -g $(CHECKED) -DGRADUS_POISON
FLAGS_double := -O1 -g1 -DGRADUS_DOUBLE
FLAGS_asan := -O1 -g1 $(CHECKED) -DGRADUS_POISON -DGRADUS_NO_RECYCLING -fsanitize=address,undefined -fno-sanitize-recover=all
FLAGS_tsan := -O1 -g1 -fsanitize=thread
FLAGS_fuzz := $(FLAGS_asan) -DGRADUS_DOUBLE -fsanitize=fuzzer-no-link
ifndef FLAGS_$(MODE)
$(error MODE=$(MODE) is no kind of build; those are release, debug, double, asan, tsan and fuzz)
endif
FLAGS := $(STRICT) $(FLAGS_$(MODE)) $(ARCH) -Iinclude -pthread $(EXTRA)

# The inner loops of matrix products and attention are optimised in every build (unoptimised they
# would be eighty times slower), and in the innermost one a*b+c is one fused step.
FLAGS_src/kernels/matmul := -ffp-contract=fast -O3
FLAGS_src/kernels/pack := -O3
FLAGS_src/kernels/attention := -O3
FLAGS_src/kernels/attention_backward := -O3
# Nobody reads the flags that a division by zero raises: sigmoid and tanh become vector code.
FLAGS_src/operations/functions := -fno-trapping-math
FLAGS_tests/bench/machine := -ffp-contract=fast -O3
# The plain loops that tests compare with run over a million numbers.
$(foreach test,plain attention_test attention_kernel_test matmul_kernel_test softmax_test, \
  $(eval FLAGS_tests/$(test) := -O1))

# What holds no loops over many numbers is optimised less, and the rest of the tests not at all: it
# is most of the code, and -O3 would double the time to build it. (For the same reason -g1: a release
# build knows names and lines; to look at variables is what the debug build is for.)
LIGHT_release := -O1
LIGHT_asan := -O0
LIGHT_tsan := -O0
LIGHT = $(filter-out src/training/optimizer src/training/safetensors_header,$(filter \
  src/inspect/% src/layers/% src/pictures/% src/text/% src/training/% tests/% lessons/%,$*))
UNOPTIMISED = $(if $(filter tests/%_test,$*),-O0)

# In programs of one's own a warning is a warning.
LENIENT = $(if $(filter lessons/mine/% %_mine lessons/exercises/%,$*),-Werror)

# Words, files and pictures do not change with the precision of numbers, so double leaves their
# tests out; and libFuzzer, which builds everything once more, is given no pictures.
SOURCES := $(filter-out $(if $(filter fuzz,$(MODE)),src/pictures/%),$(wildcard src/*.cpp src/*/*.cpp))
OBJECTS := $(SOURCES:%.cpp=$(BUILD)/%.o)
NUMBERLESS := batches bleu byte_pairs exercises files graph_layout messages picture_numbers pictures progress recording \
  reviews setting shape shipped text threads
TESTS := $(filter-out $(if $(filter double,$(MODE)),$(NUMBERLESS:%=tests/%_test.cpp)),$(wildcard tests/*.cpp))
TEST_OBJECTS := $(TESTS:%.cpp=$(BUILD)/%.o)
BOOK := $(wildcard lessons/book/*.cpp)
ALL := $(SOURCES) $(TESTS) $(wildcard tests/*/*.cpp lessons/*.cpp lessons/*/*.cpp)
LIBRARY := $(BUILD)/libgradus.a
LESSONS := $(filter-out %_mine.cpp,$(wildcard lessons/[0-9][0-9]_*.cpp))

help: ; @sed -n '/^#   make/,/^#$$/s/^#   //p' Makefile

# Two notes of how this folder was built, rewritten when that changes: other flags or another
# compiler make everything anew, a source that came or went makes anew what is linked.
$(BUILD)/flags $(BUILD)/list: always
	@mkdir -p $(@D)
	@echo '$(NOTE)' | cmp -s - $@ || echo '$(NOTE)' >$@
$(BUILD)/flags: NOTE = $(CXX) $(shell $(CXX) --version | head -n 1) $(FLAGS)
$(BUILD)/list: NOTE = $(SOURCES) $(TESTS) $(BOOK)

$(BUILD)/%.o: %.cpp Makefile $(BUILD)/flags
	@mkdir -p $(@D) && echo "  $<"
	@$(CXX) $(filter-out $(LENIENT),$(FLAGS)) $(if $(LIGHT),$(LIGHT_$(MODE))) $(UNOPTIMISED) $(FLAGS_$*) -MMD -MP -c $< -o $@

LINK = $(CXX) $(FLAGS) $(LINKER) $(filter %.o,$^) $(filter %.a,$^) -o $@

$(LIBRARY): $(OBJECTS) $(BUILD)/list
	@rm -f $@ && ar rcs $@ $(OBJECTS)

$(BUILD)/lessons/%: $(BUILD)/lessons/%.o $(LIBRARY)
	@$(LINK)

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/machine.o $(LIBRARY)
	@mkdir -p $(@D) && $(LINK)

$(BUILD)/gradus-tests: $(TEST_OBJECTS) $(LIBRARY) $(BUILD)/list
	@$(LINK)

# A lesson is called by its number; any program, a copy of a lesson too, by its name.
FOUND = $(or $(wildcard lessons/$*.cpp lessons/mine/$*.cpp),$(filter lessons/$*_%,$(LESSONS)), \
  $(error there is no lesson or program $*))
PROGRAM = $(if $(word 2,$(FOUND)),$(error $* may be any of $(FOUND): say its name))$(BUILD)/$(FOUND:%.cpp=%)
NAMES := $(notdir $(basename $(wildcard lessons/[0-9]*.cpp lessons/mine/*.cpp)))

.SECONDEXPANSION:
lesson-%: $$(PROGRAM) ; @$<
$(NAMES): %: $$(PROGRAM) ; @$<
run: lesson-12

DEBUGGER ?= gdb
DEBUGGED = $(PROGRAM:$(BUILD)/%=build/debug$(COMPILER)/%)
debug-%:
	@command -v $(DEBUGGER) >/dev/null || sh lessons/debugger/start.sh $(DEBUGGER)
	@$(MAKE) --no-print-directory MODE=debug BUILD=build/debug$(COMPILER) $(DEBUGGED)
	@sh lessons/debugger/start.sh $(DEBUGGER) $(DEBUGGED)

new: ; @sh lessons/new.sh "$(NAME)"

# Exercises (lessons/exercises/exercise.h): what every program of theirs is linked with, the oracle
# that holds an exercise in all its variants, and what it knows.
E := $(BUILD)/lessons/exercises
STUDENT = MAKE="$(MAKE)" CXX="$(CXX)" BUILD=$(BUILD) DEBUGGER=$(DEBUGGER) sh lessons/exercises/student.sh
EXERCISES := $(basename $(notdir $(wildcard lessons/exercises/[0-9]*.cpp)))
NAMED = $(or $(firstword $(filter $* $*_% 0$*_%,$(EXERCISES))),$(error there is no exercise $*; make exercises lists them))
JUDGING := $(patsubst %,$(E)/%.o,exercise verdict message source box)

$(E)/judge: $(E)/judge.o $(JUDGING) $(LIBRARY) ; @$(LINK)
$(E)/author: $(addprefix $(E)/,author.o exercise.o source.o) $(LIBRARY) ; @$(LINK)
# The hand-out does not have this test.
$(BUILD)/gradus-tests: $(if $(filter tests/exercises_test.cpp,$(TESTS)),$(JUDGING))
$(E)/%.oracle.o: lessons/exercises/%.cpp lessons/exercises/%.mistakes $(E)/author $(wildcard lessons/exercises/*.h)
	@$(E)/author variants $(wordlist 1,2,$^) >$(E)/$*.oracle.cpp && echo "  $< and its variants"
	@$(CXX) $(filter-out -W%,$(FLAGS)) -w -O0 -g0 -Ilessons/exercises -c $(E)/$*.oracle.cpp -o $@
$(E)/%.oracle: $(E)/%.oracle.o $(E)/oracle.o $(JUDGING) $(LIBRARY) ; @$(LINK)
$(E)/%.program: $(E)/%.o $(E)/runner.o $(E)/exercise.o $(LIBRARY) ; @$(LINK) -static 2>/dev/null || $(LINK)
$(E)/%.cases: $(E)/%.oracle ; @$< write lessons/exercises/$*.mistakes 1 >$@
exercises: ; +@$(STUDENT) all $(EXERCISES)
exercise-% hint-% watch-% debug-exercise-%:
	+@$(STUDENT) $(patsubst %-$*,%,$@) $(NAMED)
handout: $(E)/author $(EXERCISES:%=$(E)/%.cases)
	@TOOLS=$(E) sh lessons/exercises/handout.sh "$(TO)"
grade: $(addprefix $(E)/,author judge runner.o $(EXERCISES:%=%.oracle) $(EXERCISES:%=%.cases))
	@CXX="$(CXX)" FLAGS="$(filter-out -Werror,$(FLAGS)) -O1" BUILD=$(BUILD) \
	  sh lessons/exercises/grade.sh "$(SUBMISSION)" "$(SALT)"
prove-%: $(E)/$$(NAMED).oracle ; @$< prove lessons/exercises/$(NAMED).mistakes
prove: $(EXERCISES:%=prove-%)

bits: ; @sh tests/bits.sh all
lessons: $(patsubst %.cpp,$(BUILD)/%,$(filter-out lessons/16% lessons/25%,$(LESSONS)))
	@for lesson in $^; do $$lesson || exit 1; done

imdb: $(BUILD)/lessons/16_real_reviews ; @$< "$(DATA)"
translate: $(BUILD)/lessons/$(if $(DATA),25_real_pairs,20_translation) ; @$< "$(DATA)"
write: $(BUILD)/lessons/22_language_model ; @$< "$(DATA)"
labels: $(BUILD)/lessons/26_labels ; @$< "$(DATA)"
pretraining: $(BUILD)/lessons/27_pretraining ; @$< "$(DATA)"
votes: $(BUILD)/lessons/28_votes ; @$< "$(DATA)"

bench: $(patsubst %,$(BUILD)/bench/%,limits matmul book tiny attention translator writing)
	@$(MAKE) -k $(BUILD)/bench/openblas >/dev/null 2>&1 || echo "(OpenBLAS is not installed)"
	@sh tests/bench/table.sh $(BUILD)

$(BUILD)/bench/openblas: $(BUILD)/tests/bench/openblas.o $(BUILD)/tests/bench/machine.o
	@$(LINK) -lopenblas

bench-book: ROW = $(or $(THREADS),2) $(or $(STEPS),5) $(or $(BATCH),32) $(or $(LENGTH),600)
bench-matmul: ROW = $(or $(M),1024) $(or $(N),1024) $(or $(K),1024) $(or $(THREADS),1) $(or $(LAYOUT),nn)
bench-attention: ROW = $(or $(LENGTH),2048) $(or $(THREADS),1)
bench-translator: ROW = $(or $(THREADS),2) $(or $(STEPS),5) $(or $(BATCH),64) $(or $(LENGTH),20)
bench-writing: ROW = $(or $(LENGTH),256) $(or $(CACHE),1) $(or $(THREADS),1)
bench-reviews: ROW = "$(DATA)" $(or $(THREADS),2)
bench-%: $(BUILD)/bench/% ; @$< $(ROW)

$(BUILD)/book: $(BOOK:%.cpp=$(BUILD)/%.o) $(LIBRARY) $(BUILD)/list
	@$(LINK)

# The lessons that draw are run for their pictures, which takes some minutes, unless those in build/
# are theirs already. Some are recorded step by step, in a folder of their own: the first steps, so
# that one round of training is enough.
STEPPED := $(foreach number,01 02 06 07 10,$(filter lessons/$(number)_%,$(LESSONS)))
DRAWING := $(shell grep -lE '"build/[a-z_0-9]*[.](svg|html)"' $(LESSONS))
book: $(BUILD)/book $(sort $(DRAWING:lessons/%.cpp=build/drawn/%) $(STEPPED:%.cpp=$(BUILD)/%))
	@mkdir -p build/steps/build && ln -sfn ../../lessons build/steps/lessons
	@for lesson in $(abspath $(STEPPED:%.cpp=$(BUILD)/%)); do (cd build/steps && \
	  GRADUS_RECORD=steps-$${lesson##*/}.html STEPS=1 EPOCHS=1 $$lesson >/dev/null 2>&1) || exit 1; done
	@rm -rf build/book && $(BUILD)/book build/book

# Notes that the pictures in build/ are this program's; so does tests/bits.sh, which runs them all.
build/drawn/%: $(BUILD)/lessons/%
	@$< >/dev/null 2>&1 && mkdir -p $(@D) && touch $@

# Writes the reviews or the sentence pairs in lessons/data again, from their grammar.
reviews pairs: %: $(BUILD)/lessons/data/make_% ; @$<

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
doctest: ; @CXX="$(CXX)" sh tests/install_doctest.sh

mutants: doctest
	@CXX="$(CXX)" sh tests/mutants/run.sh $(if $(ONLY),only "$(ONLY)",$(if $(TENTH),tenth,all))

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D) && $(LINK) -fsanitize=fuzzer

fuzz: ; +@FUZZ="$(FUZZ)" RUNS="$(RUNS)" sh tests/fuzz/run.sh $(or $(SECONDS),60)

format: ; @git ls-files --cached --others --exclude-standard '*.cpp' '*.h' | xargs clang-format -i

# For projects outside this folder: c++ mine.cpp $(pkg-config --cflags --libs gradus)
PREFIX ?= /usr/local
PLACE = $(DESTDIR)$(PREFIX)
install: $(LIBRARY)
	@mkdir -p $(PLACE)/include/gradus $(PLACE)/lib/pkgconfig
	@cp include/gradus/*.h $(PLACE)/include/gradus/ && cp $(LIBRARY) $(PLACE)/lib/
	@sed 's|PREFIX|$(PREFIX)|; s|DEFINES|$(filter -D%,$(FLAGS_$(MODE)))|' tests/gradus.pc >$(PLACE)/lib/pkgconfig/gradus.pc

# Trained weights took time, and stay; `rm -r build` deletes them as well.
clean:
	@for part in build/*; do \
	  if find $$part -name '*.safetensors' | grep -q .; then echo "kept: $$part"; else rm -rf "$$part"; fi; \
	done

.PHONY: help run lessons bits imdb translate write labels pretraining votes reviews pairs book bench test mutants fuzz doctest new format install clean always
.SECONDARY:
-include $(ALL:%.cpp=$(BUILD)/%.d)
