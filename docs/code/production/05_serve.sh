textgraft serve emotion=models/shipped --port 8766 \
    --feedback corrections.sqlite --state-dir state > server.log 2>&1 &

curl --silent --retry 90 --retry-delay 1 --retry-connrefused \
    http://127.0.0.1:8766/v1/predict --json '{"texts": ["i feel so happy"], "top_k": 1}'
echo
curl --silent http://127.0.0.1:8766/v1/feedback \
    --json '{"id": "1", "text": "i feel so happy for you", "label": "love"}'
echo
curl --silent http://127.0.0.1:8766/metrics | grep textgraft_labels_total

kill %1
wait
