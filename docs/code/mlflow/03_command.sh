export MLFLOW_TRACKING_URI=sqlite:///runs.db MLFLOW_EXPERIMENT_NAME=emotion
textgraft train data/emotion/train.txt --test data/emotion/test.txt --method ngrams --out models/ngrams --log mlflow
