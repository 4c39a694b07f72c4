# bash completion of mnist_blas; needs nothing but bash 4.

# Files whose names end in one of the given ways, and folders.
_mnist_blas_files() { # CURRENT ENDING...
    local current=$1 ending
    shift
    compopt -o filenames -o default 2>/dev/null
    mapfile -t COMPREPLY < <(
        compgen -d -- "$current"
        for ending; do
            compgen -f -X "!*$ending" -- "$current"
        done
    )
}

_mnist_blas() {
    local with_value flags
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=train first=1 operands=0 i
    COMPREPLY=()

    case ${COMP_WORDS[1]} in
    train | evaluate | predict | export | tune | info) [[ $COMP_CWORD -gt 1 ]] && command=${COMP_WORDS[1]} first=2 ;;
    esac
    case $command in
    train)
        with_value="--data --network --validation --patience --epochs --batch-size --optimizer --lr --label-smoothing --ema --schedule
            --weight-decay --seed --momentum --beta1 --beta2 --augment --rotate --scale --shear --shift
            --elastic-alpha --elastic-sigma --plain-epochs --checkpoint-every --resume --threads --out --tensorboard"
        flags="--nesterov --no-report --quiet"
        ;;
    evaluate) with_value="--data --network --threads" flags="" ;;
    predict) with_value="--network --input --threads" flags="--raw --json" ;;
    export) with_value="--onnx --network --input" flags="" ;;
    tune) with_value="--data --network --batch-size --optimizer" flags="" ;;
    info) with_value="--network --batch-size --threads" flags="--json" ;;
    esac
    with_value=" ${with_value//$'\n'/ } " # on one line, each between blanks
    flags+=" --help --version"

    # bash takes --option=value apart into three words.
    if [[ $current == "=" ]]; then
        current=""
    elif [[ $previous == "=" ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $previous in
    --data | --out | --tensorboard)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$current")
        return
        ;;
    --resume) _mnist_blas_files "$current" checkpoint ;;
    --checkpoint-every) mapfile -t COMPREPLY < <(compgen -W "epoch never" -- "$current") ;;
    --onnx) _mnist_blas_files "$current" .onnx ;;
    --network) mapfile -t COMPREPLY < <(compgen -W "mlp lenet5 cnn best" -- "$current") ;;
    --optimizer) mapfile -t COMPREPLY < <(compgen -W "sgd adam adamw" -- "$current") ;;
    --augment) mapfile -t COMPREPLY < <(compgen -W "off affine elastic" -- "$current") ;;
    --schedule) mapfile -t COMPREPLY < <(compgen -W "constant cosine onecycle" -- "$current") ;;
    esac
    # A value is wanted and nothing else, also where there is none to propose.
    [[ $previous == --* && $with_value == *" $previous "* ]] && return

    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$with_value $flags" -- "$current")
        return
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "train evaluate predict export tune info" -- "$current")
        return
    fi
    for ((i = first; i < COMP_CWORD; i++)); do
        if [[ $with_value == *" ${COMP_WORDS[i]} "* ]]; then
            [[ ${COMP_WORDS[i + 1]} == "=" ]] && i=$((i + 1))
            i=$((i + 1))
        elif [[ ${COMP_WORDS[i]} != -* ]]; then
            operands=$((operands + 1))
        fi
    done
    case $command:$operands in
    evaluate:0 | predict:0 | export:0) _mnist_blas_files "$current" .safetensors ;;
    predict:*) _mnist_blas_files "$current" .png .pgm ubyte ubyte.gz ;;
    esac
}

complete -F _mnist_blas mnist_blas
