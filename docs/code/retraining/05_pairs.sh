cat > pairs.csv <<END
text,changed,expect
i feel so happy today,I FEEL SO HAPPY TODAY,same
i feel so happy today,i feel so angry today,different
i am scared of the dark,,fear
END
textgraft check models/new pairs.csv --against models/in-use --data data/emotion/test.txt && echo "exit code $?"
