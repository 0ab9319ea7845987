textgraft serve models/emotion --port 8765 > server.log 2>&1 &

curl --silent --retry 60 --retry-delay 1 --retry-connrefused \
    http://127.0.0.1:8765/v1/predict \
    --json '{"texts": ["I saw a movie today and it was really good."], "top_k": 2}' |
    python -m json.tool

kill %1
wait
