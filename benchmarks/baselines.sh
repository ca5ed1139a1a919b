#!/usr/bin/env bash
# The small embedded model on every task whose data is at hand, and the constant answers beside it.
#   benchmarks/baselines.sh FOLDER_WITH_THE_AUTHORS_TASK_FILES OUT
# With OMP_NUM_THREADS=2 about half an hour on two cores. Prints one Markdown comparison for each part.
set -euo pipefail

data=$1 out=$2
model=$(modplural embedded)
run() {
    local name=$1
    shift
    lm_eval run --model hf --model_args "pretrained=$model,dtype=bfloat16" --batch_size 32 --apply_chat_template \
        --output_path "$out/$name" --log_samples "$@"
}

authors="{\"plural_data\": \"$data\", \"plural_judge\": \"embedding\"}"
run scored --limit 1000 --metadata "$authors" \
    --tasks plural_steerable_opinionqa,plural_distributional_moralchoice,plural_distributional_globalopinionqa
run generated --limit 100 --metadata "$authors" --tasks plural_overton_vk,plural_steerable_vk
run surveys --tasks plural_surveys
run surveys_4_orders --tasks plural_surveys --metadata plural_permutations=4
run embedded --limit 40 --tasks plural_embedded

for part in scored generated surveys surveys_4_orders embedded; do
    modplural compare "$part=$out/$part" --format markdown
done
