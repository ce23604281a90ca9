#!/usr/bin/env bash
# Sweeps modules in shards as an array of Slurm: each task sweeps one shard to OUT/shard-K, on a file system that all nodes
# share. A task that Slurm requeues goes on in its folder. Then the second command unites the results.
# usage: sbatch --requeue --array=1-8 scripts/slurm_sweep.sh OUT MODULE... [options of ftstress sweep]
#        sbatch --dependency=afterany:JOB --wrap 'ftstress merge OUT/shard-* --out OUT/all'
set -u
out=${1:?usage: sbatch --array=1-N scripts/slurm_sweep.sh OUT MODULE...}
shift
status=0
"${FTSTRESS:-ftstress}" sweep "$@" --shard "${SLURM_ARRAY_TASK_ID:?submit it with --array=1-N}/${SLURM_ARRAY_TASK_COUNT:?}" \
    --out "$out/shard-$SLURM_ARRAY_TASK_ID" || status=$?
# A report with findings, or with a reason why nothing was tested, is no failure of the job.
case $status in 1 | 3) status=0 ;; esac
exit "$status"
