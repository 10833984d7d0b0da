/**
 * The scripts that shells read. Each asks `psp-gateway completion candidates -- WORD...` with the words that have been written, the last
 * one being what is completed, and gets: a line that says what of files may stand there (files, folders or none), a line with
 * the part of the last word that stays, such as `--hal=`, and a line for each candidate: the word without that part, and after a
 * tabulator what it means.
 */

const BASH = `# Completion of psp-gateway for bash.

_psp_gateway() {
  local cur=\${COMP_WORDS[COMP_CWORD]} rest=$COMP_LINE words=() piece gap files prefix word meaning
  # Bash ends words at = and : as well; what has no space before it belongs to the word before it.
  for piece in "\${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    if [[ -z $piece ]]; then gap=$rest; else gap=\${rest%%"$piece"*}; fi
    rest=\${rest:\${#gap}+\${#piece}}
    if [[ -n $gap || \${#words[@]} -eq 0 ]]; then
      words+=("$piece")
    else
      words[\${#words[@]}-1]+=$piece
    fi
  done
  COMPREPLY=()
  {
    read -r files
    IFS= read -r prefix
    if [[ $COMP_WORDBREAKS == *=* ]]; then
      prefix=
      [[ $cur == '=' ]] && cur=
    else
      cur=\${cur#"$prefix"}
    fi
    while IFS=$'\\t' read -r word meaning; do
      [[ $word == "$cur"* ]] && COMPREPLY+=("$prefix$word")
    done
  } < <(command psp-gateway completion candidates -- "\${words[@]:1}" 2>/dev/null)
  [[ $files == files || $files == folders ]] || return 0
  [[ $files == files ]] && piece=-f || piece=-d
  compopt -o filenames 2>/dev/null
  while IFS= read -r word; do
    COMPREPLY+=("$prefix$word")
  done < <(compgen "$piece" -- "$cur")
}

complete -F _psp_gateway psp-gateway
`;

const ZSH = `#compdef psp-gateway
# Completion of psp-gateway for zsh.

_psp-gateway() {
  local -a answer described
  local line word meaning
  answer=("\${(@f)$(command psp-gateway completion candidates -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n $answer[2] ]] && compset -P '*='
  for line in "\${(@)answer[3,-1]}"; do
    word=\${line%%$'\\t'*}
    meaning=\${\${line#"$word"}#$'\\t'}
    # What stands before the first colon is the word.
    [[ -n $word ]] && described+=("\${word//:/\\\\:}\${meaning:+:$meaning}")
  done
  (( $#described )) && _describe -V 'psp-gateway' described
  case $answer[1] in
    files) _files ;;
    folders) _files -/ ;;
  esac
}

if [[ $funcstack[1] == _psp-gateway ]]; then
  _psp-gateway "$@"
else
  compdef _psp-gateway psp-gateway
fi
`;

const FISH = `# Completion of psp-gateway for fish.

function __psp_gateway_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer (command psp-gateway completion candidates -- $words[2..] "$current" 2>/dev/null)
    set -l prefix $answer[2]
    for line in $answer[3..]
        printf '%s\\n' "$prefix$line"
    end
    set -l value (string sub --start (math (string length -- "$prefix") + 1) -- "$current")
    set -l paths
    switch "$answer[1]"
        case files
            set paths (__fish_complete_path "$value")
        case folders
            set paths (__fish_complete_directories "$value" '')
    end
    for path in $paths
        printf '%s\\n' "$prefix$path"
    end
end

complete -c psp-gateway -f -a '(__psp_gateway_candidates)'
`;

/** By the shell's name. */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
